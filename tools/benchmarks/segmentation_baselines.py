"""Judges two answers to a segmentation that need no network, as networks are judged.

  python -m tools.benchmarks.segmentation_baselines --data_dir=data --split=test

majority    every pixel is of the class that has most pixels in the train split
histogram   a pixel is of the class that pixels of its colour mostly are in the train split, where
            colours are told apart in steps of 16 (4,096 of them)
"""

from collections.abc import Iterator, Sequence

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.stream_kinds.mask import IGNORED

_DATA_DIR = flags.DEFINE_string("data_dir", None, "A dataset with masks.")
_SPLIT = flags.DEFINE_enum("split", "validation", metadata.SPLITS, "The split that judges.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Pixels of the square that is seen.")
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 8, "Frames of a clip.")
_CLIPS = flags.DEFINE_integer("clips_per_video", 4, "Clips of a video.")
_STEP = 16  # Levels of a channel that count as one.


def pixels(split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Yields the colours [n, 3] and the classes [n] of each video's pixels that count."""
  from official.inputs import clip_store
  from official.inputs import clips
  from official.inputs import targets

  store = clip_store.open_store(
    cli.resolve_path(_DATA_DIR.value),
    split,
    image_size=_IMAGE_SIZE.value,
    cache_dir="memory://",  # Nothing is kept.
    cache="none",
    targets=["mask"],
  )
  batches = clips.evaluation_clips(
    store,
    ["rgb"],
    num_frames=_NUM_FRAMES.value,
    image_size=_IMAGE_SIZE.value,
    global_batch_size=1,
    clips_per_video=_CLIPS.value,
    target=targets.Stream("mask"),
  )
  for streams, labels in batches:
    mask = labels["mask"].numpy().ravel()
    yield streams["rgb"].numpy().reshape(-1, 3)[mask != IGNORED], mask[mask != IGNORED]


def mean_iou(confusion: np.ndarray) -> float:
  """Returns the mean over the classes that are there or were answered.

  Args:
    confusion: Pixels by [truth, answer].
  """
  both = np.diag(confusion)
  union = confusion.sum(0) + confusion.sum(1) - both
  return float((both[union > 0] / union[union > 0]).mean())


def main(arguments: Sequence[str]) -> None:
  """Prints a line for each."""
  del arguments
  if not _DATA_DIR.value:
    raise cli.UserError("--data_dir is needed (--help lists the flags)")
  names = metadata.load(cli.resolve_path(_DATA_DIR.value)).streams["mask"].classes
  count, bins = len(names), 256 // _STEP
  seen = np.zeros((bins**3, count), np.int64)
  for colours, classes in pixels("train"):
    np.add.at(seen, (_bin(colours), classes), 1)
  majority = int(seen.sum(0).argmax())
  answers = np.where(seen.any(1), seen.argmax(1), majority)
  judged = {name: np.zeros((count, count)) for name in ("majority", "histogram")}
  for colours, classes in pixels(_SPLIT.value):
    np.add.at(judged["majority"], (classes, np.full_like(classes, majority)), 1)
    np.add.at(judged["histogram"], (classes, answers[_bin(colours)]), 1)
  for name, confusion in judged.items():
    right = np.trace(confusion) / confusion.sum()
    print(f"{name}: mean_iou {mean_iou(confusion):.4f}, pixel_accuracy {right:.4f}")


def _bin(colours: np.ndarray) -> np.ndarray:
  red, green, blue = (colours // _STEP).astype(np.int64).T
  bins = 256 // _STEP
  return (red * bins + green) * bins + blue


if __name__ == "__main__":
  cli.run(main)
