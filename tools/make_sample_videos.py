"""Renders a small set of labelled videos, for the demonstration and for tests.

  python tools/make_sample_videos.py --output_dir=videos

makes videos/<class>/*.mp4 and *.avi (H.264 and MPEG-4 in several sizes and frame rates) and
videos/manifest.csv. Two textured discs move over a textured, moving background. There are six
classes, such as checks_rising; sample_scenes.py describes what is seen in each. By default they are
hard: neither look nor motion tells a class, but which of the looks makes which motion. With
--difficulty=easy, all discs of a video look and move alike, and any two-stream network gets nearly
all videos right. The same flags give the same bytes.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
import os
import shutil
import sys

from absl import flags
import av
import numpy as np
import tqdm

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import mask_files
from data_prep.dataset import rows
from data_prep.dataset import splitting
from data_prep.dataset import stored_images
from tools import sample_scenes

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to create; it must not exist yet.")
_CLIPS_PER_CLASS = flags.DEFINE_integer(
  "clips_per_class", 70, "Videos of each of the six classes.", lower_bound=1
)
_DIFFICULTY = flags.DEFINE_enum(
  "difficulty",
  "hard",
  sorted(sample_scenes.SETS),
  "hard: a class is a combination of look and motion. easy: look and motion are separate.",
)
_MASKS = flags.DEFINE_bool(
  "masks",
  False,
  "Also write the class of every pixel, "
  f"{', '.join(f'{number} {name}' for number, name in enumerate(sample_scenes.MASK_CLASSES))}: a "
  "folder of PNG images for each video, named in the manifest's column mask.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed.", lower_bound=0)

_H264 = {
  "qp": "20",
  "preset": "veryfast",
  # With its look-ahead, x264's bytes differ from run to run.
  "x264-params": "mbtree=0:rc-lookahead=0:b-adapt=0:scenecut=0:weightp=0",
}
_CODECS = (("libx264", "mp4", _H264), ("mpeg4", "avi", {"qmin": "2", "qmax": "5"}))


def write_video(
  path: str, codec: str, options: dict[str, str], fps: int, frames: Sequence[np.ndarray]
) -> None:
  """Encodes frames `[height, width, 3]` into a file."""
  with av.open(path, "w") as container:
    stream = container.add_stream(codec, rate=fps, options=options)
    stream.height, stream.width = frames[0].shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1
    stream.codec_context.time_base = Fraction(1, fps)
    for image in frames:
      container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
    container.mux(stream.encode())


def write_videos(
  directory: str,
  scenes: sample_scenes.SceneSet,
  clips_per_class: int,
  seed: int,
  *,
  with_masks: bool = False,
) -> Iterator[tuple[str, str]]:
  """Writes the videos and yields (path relative to `directory`, class) of each when it is there.

  With masks, each has a folder of them beside it (`masks_of`).
  """
  for class_index, label in enumerate(scenes.classes):
    os.makedirs(os.path.join(directory, label))
    for clip in range(clips_per_class):
      rng = np.random.default_rng([seed, class_index, clip])
      fps, frames, masks = sample_scenes.render_with_masks(scenes, label, rng)
      codec, extension, options = _CODECS[clip % len(_CODECS)]
      path = f"{label}/{clip:03d}.{extension}"
      write_video(os.path.join(directory, path), codec, options, fps, frames)
      if with_masks:
        _write_masks(os.path.join(directory, masks_of(path)), masks)
      yield path, label


def masks_of(path: str) -> str:
  """Returns the folder with the masks of a video."""
  return os.path.splitext(path)[0] + "_masks"


def _write_masks(folder: str, masks: Sequence[np.ndarray]) -> None:
  os.makedirs(folder)
  for index, mask in enumerate(masks):
    with open(os.path.join(folder, f"{index:05d}.png"), "wb") as file:
      file.write(stored_images.encode(mask, "png"))


def _manifest(
  paths: Sequence[str], labels: Sequence[str], splits: Sequence[str], *, with_masks: bool
) -> bytes:
  if not with_masks:
    return rows.to_csv(paths, labels, splits)
  table = zip(paths, labels, splits, map(masks_of, paths))
  header = (*rows.USUAL_COLUMNS, mask_files.COLUMN)
  return "".join(map(rows.csv_line, [header, *table])).encode()


def main(arguments: Sequence[str]) -> None:
  """Renders the set."""
  del arguments
  if not _OUTPUT_DIR.value:
    raise cli.UserError("--output_dir is needed (--help lists the flags)")
  directory = cli.resolve_path(_OUTPUT_DIR.value)
  if os.path.exists(directory):
    raise cli.UserError(f"--output_dir={directory} is there already; give another, or delete it")
  temporary = directory + files.TEMPORARY_SUFFIX  # Becomes `directory` when all is in it.
  shutil.rmtree(temporary, ignore_errors=True)
  os.makedirs(temporary)
  scenes = sample_scenes.SETS[_DIFFICULTY.value]
  total = len(scenes.classes) * _CLIPS_PER_CLASS.value
  print(f"rendering {total} videos of {len(scenes.classes)} classes into {directory}", flush=True)
  made = list(
    tqdm.tqdm(
      write_videos(temporary, scenes, _CLIPS_PER_CLASS.value, _SEED.value, with_masks=_MASKS.value),
      total=total,
      unit="video",
      desc="rendering",
      mininterval=0.2 if sys.stderr.isatty() else 5.0,
    )
  )
  paths, labels = zip(*made)
  splits = splitting.split(
    list(labels), list(paths), scenes.fractions, np.random.default_rng(_SEED.value)
  )
  files.write_bytes(
    os.path.join(temporary, "manifest.csv"),
    _manifest(paths, labels, splits, with_masks=_MASKS.value),
  )
  os.rename(temporary, directory)
  counts = ", ".join(f"{splits.count(name)} {name}" for name in scenes.fractions)
  print(f"rendered {counts} videos; {os.path.join(directory, 'manifest.csv')} lists them")


if __name__ == "__main__":
  cli.run(main)
