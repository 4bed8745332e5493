"""Renders a small set of labelled videos, for the demonstration and for tests.

  python tools/make_sample_videos.py --output_dir=videos

makes videos/<class>/*.mp4 and *.avi (H.264 and MPEG-4 in several sizes and frame rates) and
videos/manifest.csv. Two textured objects move over a textured, moving background. The six classes
are all pairs of

  an appearance  checks (warm colours), spots (cold colours)
  a motion       rising, falling, swaying

so that neither stream is enough: a single frame tells checks_rising from spots_rising, but not
checks_rising from checks_falling (place, size and time of the objects say nothing); flow tells the
latter, but not the former. Mirroring a video left to right does not change its class. The same
flags give the same bytes.
"""

from collections.abc import Iterator, Sequence
import dataclasses
from fractions import Fraction
import os
import shutil
import sys

from absl import flags
import av
import cv2
import numpy as np
import tqdm

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import rows
from data_prep.dataset import splitting

_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to create; it must not exist yet.")
_CLIPS_PER_CLASS = flags.DEFINE_integer(
  "clips_per_class", 20, "Videos of each of the six classes.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed.", lower_bound=0)

APPEARANCES = ("checks", "spots")
MOTIONS = ("rising", "falling", "swaying")
CLASSES = tuple(f"{appearance}_{motion}" for appearance in APPEARANCES for motion in MOTIONS)
FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}
_SWING = 0.22  # Heights to either side.
SIZES = ((96, 72), (112, 84), (128, 96))  # Width and height, pixels.
RATES = (12, 15)  # Frames a second.
_H264 = {
  "qp": "20",
  "preset": "veryfast",
  # With its look-ahead, x264's bytes differ from run to run.
  "x264-params": "mbtree=0:rc-lookahead=0:b-adapt=0:scenecut=0:weightp=0",
}
_CODECS = (("libx264", "mp4", _H264), ("mpeg4", "avi", {"qmin": "2", "qmax": "5"}))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Object:
  """A textured disc; lengths are in heights of the frame, times in seconds.

  Attributes:
    position: (x, y) of its centre at time 0.
    radius: Radius of the disc.
    angle: Angle of its texture, radians.
    speed: Heights a second, upwards or downwards, or the greatest one of a swaying object.
    phase: Phase of a swaying object at time 0, radians.
    colours: RGB in 0..1, `[2, 3]`.
  """

  position: tuple[float, float]
  radius: float
  angle: float
  speed: float
  phase: float
  colours: np.ndarray

  def centre(self, motion: str, seconds: float) -> tuple[float, float]:
    """Returns (x, y); what leaves the frame at its top or bottom comes in again on the other
    side."""
    x, y = self.position
    if motion == "swaying":
      return x + _SWING * np.sin(self.phase + self.speed / _SWING * seconds), 0.15 + 0.7 * y
    travelled = self.speed * seconds * (-1 if motion == "rising" else 1)
    span = 1 + 2 * self.radius
    # Those that do not sway stand where a swaying one might be.
    return x + _SWING * np.sin(self.phase), (y + travelled + self.radius) % span - self.radius


def render(label: str, rng: np.random.Generator) -> tuple[int, list[np.ndarray]]:
  """Returns the frames a second and the uint8 RGB frames `[height, width, 3]` of one video."""
  appearance, motion = label.split("_")
  width, height = SIZES[rng.integers(len(SIZES))]
  fps = int(rng.choice(RATES))
  count = round(rng.uniform(2.0, 2.5) * fps)
  background, drift = _texture(rng), rng.uniform((-0.15, -0.06), (0.15, 0.06))
  aspect = width / height
  objects = [
    _draw_object(appearance, rng, (aspect * (0.3 + 0.4 * side), rng.uniform(0, 1)))
    for side in (0, 1)
  ]
  frames = []
  for index in range(count):
    seconds = index / fps
    shift = np.array(
      [[1, 0, 100 + drift[0] * seconds * height], [0, 1, 100 + drift[1] * seconds * height]]
    )
    image = cv2.warpAffine(
      background,
      shift,
      (width, height),
      flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
      borderMode=cv2.BORDER_WRAP,
    )
    for thing in objects:
      _paint(image, thing, appearance, thing.centre(motion, seconds))
    frames.append(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))
  return fps, frames


def _texture(rng: np.random.Generator) -> np.ndarray:
  """Returns a background `[192, 192, 3]` in 0..1: blotches of two sizes in muted colours, which
  tile."""

  def blotches(sigma: int) -> np.ndarray:
    border = 3 * sigma
    noise = rng.standard_normal((192, 192, 3), np.float32)
    wrapped = cv2.copyMakeBorder(noise, border, border, border, border, cv2.BORDER_WRAP)
    blurred = cv2.GaussianBlur(wrapped, (0, 0), sigma)[border:-border, border:-border]
    return blurred / blurred.std()

  mixed = 0.13 * blotches(9) + 0.07 * blotches(2)
  grey = mixed.mean(axis=2, keepdims=True)
  return (rng.uniform(0.35, 0.6, 3) + 0.5 * mixed + 0.7 * grey).astype(np.float32)


def _draw_object(
  appearance: str, rng: np.random.Generator, position: tuple[float, float]
) -> Object:
  warm = np.array([[0.85, 0.2, 0.1], [0.95, 0.8, 0.25]])
  cold = np.array([[0.1, 0.25, 0.8], [0.6, 0.9, 0.95]])
  colours = (warm if appearance == "checks" else cold) + rng.uniform(-0.1, 0.1, (2, 3))
  x, y = position
  return Object(
    position=(x + rng.uniform(-0.12, 0.12), y),
    radius=rng.uniform(0.2, 0.28),
    angle=rng.uniform(0, np.pi),
    speed=rng.uniform(0.5, 0.8),
    phase=rng.uniform(0, 2 * np.pi),
    colours=colours.astype(np.float32),
  )


def _paint(image: np.ndarray, thing: Object, appearance: str, centre: tuple[float, float]) -> None:
  """Draws a disc into the float image `[height, width, 3]`."""
  height, width = image.shape[:2]
  left, top = (max(0, int((place - thing.radius) * height) - 1) for place in centre)
  right, bottom = (int((place + thing.radius) * height) + 2 for place in centre)
  if right <= 0 or bottom <= 0:
    return
  part = image[top:bottom, left:right]
  dx = ((np.arange(left, min(right, width)) + 0.5) / height - centre[0])[None, :]
  dy = ((np.arange(top, min(bottom, height)) + 0.5) / height - centre[1])[:, None]
  inside = np.clip((thing.radius - np.hypot(dx, dy)) * height + 0.5, 0, 1)[..., None]
  cosine, sine = np.cos(thing.angle), np.sin(thing.angle)
  u, v = cosine * dx + sine * dy, cosine * dy - sine * dx
  if appearance == "checks":
    wave = np.sin(u * np.pi / 0.1) * np.sin(v * np.pi / 0.1)  # Squares of 0.1 heights.
  else:
    wave = np.cos(u * np.pi / 0.07) + np.cos(v * np.pi / 0.07) - 0.7  # Dots 0.14 heights apart.
  share = (0.5 + 0.5 * np.tanh(4 * wave))[..., None]
  part += inside * (thing.colours[0] + share * (thing.colours[1] - thing.colours[0]) - part)


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


def write_videos(directory: str, clips_per_class: int, seed: int) -> Iterator[tuple[str, str]]:
  """Writes the videos and yields (path relative to `directory`, class) of each when it is there."""
  for class_index, label in enumerate(CLASSES):
    os.makedirs(os.path.join(directory, label))
    for clip in range(clips_per_class):
      fps, frames = render(label, np.random.default_rng([seed, class_index, clip]))
      codec, extension, options = _CODECS[clip % len(_CODECS)]
      path = f"{label}/{clip:03d}.{extension}"
      write_video(os.path.join(directory, path), codec, options, fps, frames)
      yield path, label


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
  total = len(CLASSES) * _CLIPS_PER_CLASS.value
  print(f"rendering {total} videos of {len(CLASSES)} classes into {directory}", flush=True)
  made = list(
    tqdm.tqdm(
      write_videos(temporary, _CLIPS_PER_CLASS.value, _SEED.value),
      total=total,
      unit="video",
      desc="rendering",
      mininterval=0.2 if sys.stderr.isatty() else 5.0,
    )
  )
  paths, labels = zip(*made)
  splits = splitting.split(list(labels), list(paths), FRACTIONS, np.random.default_rng(_SEED.value))
  files.write_bytes(os.path.join(temporary, "manifest.csv"), rows.to_csv(paths, labels, splits))
  os.rename(temporary, directory)
  counts = ", ".join(f"{splits.count(name)} {name}" for name in FRACTIONS)
  print(f"rendered {counts} videos; {os.path.join(directory, 'manifest.csv')} lists them")


if __name__ == "__main__":
  cli.run(main)
