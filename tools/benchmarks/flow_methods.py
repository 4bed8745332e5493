"""Measures the error and the processor time of each `--flow` of data preparation.

    python -m tools.benchmarks.flow_methods --pairs_dir=DIR

The folder holds pairs of images whose flow is known: RubberWhale of Middlebury (frame10.png,
frame11.png, flow10.flo) and pairs of FlyingChairs (NAME-img0.ppm, NAME-img1.ppm, NAME-gt.flo). The
error is the mean distance in pixels from the true end points. The time is that of one thread for a
pair, of the processor, the fastest of --rounds. Both are also given for pairs of 128 pixels in
height, as a dataset would have them. docs/performance.md has a table.
"""

from collections.abc import Iterator, Sequence
import pathlib
import time

from absl import flags
import cv2
import numpy as np

from data_prep.common import cli
from data_prep.dataset import flow_methods
from data_prep.dataset import stored_images
from data_prep.dataset import tvl1

_PAIRS_DIR = flags.DEFINE_string("pairs_dir", None, "Folder with the pairs.", required=True)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Times that each is computed.", lower_bound=1)
_HEIGHT = 128
_UNKNOWN = 1e9  # Larger values of a .flo file mean that nobody knows.

Pair = tuple[np.ndarray, np.ndarray, np.ndarray]  # Two grey images, and flow.


def main(arguments: Sequence[str]) -> None:
  """Prints a line per algorithm and size."""
  del arguments
  cv2.setNumThreads(1)
  whole = list(pairs(pathlib.Path(cli.resolve_path(_PAIRS_DIR.value))))
  for height, found in (("whole", whole), (f"{_HEIGHT} px", [shrunk(pair) for pair in whole])):
    print(f"{height:8}{'RubberWhale':>32}{'FlyingChairs':>14}{'ms a pair':>11}")
    still = [error(np.zeros_like(truth), truth) for _, _, truth in found]
    print(f"{'none':28}{still[0]:12.3f}{np.mean(still[1:]):14.2f}")
    for name in flow_methods.NAMES:
      for profile in tvl1.PROFILES if flow_methods.has_profiles(name) else [""]:
        errors, seconds = zip(*(_measured(name, profile, pair) for pair in found))
        print(
          f"{name:13}{profile:15}{errors[0]:12.3f}{np.mean(errors[1:]):14.2f}"
          f"{1000 * np.mean(seconds):11.1f}",
          flush=True,
        )


def pairs(folder: pathlib.Path) -> Iterator[Pair]:
  """Yields RubberWhale, then the pairs of FlyingChairs in the order of their names."""
  yield _read(folder / "frame10.png", folder / "frame11.png", folder / "flow10.flo")
  for truth in sorted(folder.glob("*-gt.flo")):
    stem = truth.name.removesuffix("-gt.flo")
    yield _read(folder / f"{stem}-img0.ppm", folder / f"{stem}-img1.ppm", truth)


def shrunk(pair: Pair) -> Pair:
  """Returns a pair with a height of 128 pixels; flow is the mean of what is known around."""
  first, second, truth = pair
  rows, columns = first.shape
  width, height = round(columns * _HEIGHT / rows), _HEIGHT
  known = (np.abs(truth).max(axis=2) < _UNKNOWN).astype(np.float32)
  sums = stored_images.resized(np.where(known[..., np.newaxis] > 0, truth, 0), width, height)
  share = stored_images.resized(known, width, height)[..., np.newaxis]
  flow = sums / np.maximum(share, 1e-3) * np.float32([width / columns, height / rows])
  small = np.where(share > 0.5, flow, 2 * _UNKNOWN)
  return *(stored_images.resized(image, width, height) for image in (first, second)), small


def error(vectors: np.ndarray, truth: np.ndarray) -> float:
  """Returns the mean distance in pixels from the true end points, where they are known."""
  known = np.abs(truth).max(axis=2) < _UNKNOWN
  return float(np.linalg.norm(vectors - truth, axis=2)[known].mean())


def _measured(name: str, profile: str, pair: Pair) -> tuple[float, float]:
  """Returns the error, and seconds of the processor."""
  first, second, truth = pair
  compute, seconds = flow_methods.computer(name, profile), []
  for _ in range(_ROUNDS.value):
    began = time.process_time()
    vectors = compute(first, second)
    seconds.append(time.process_time() - began)
  return error(vectors, truth), min(seconds)


def _read(first: pathlib.Path, second: pathlib.Path, truth: pathlib.Path) -> Pair:
  content = truth.read_bytes()
  width, height = np.frombuffer(content, np.int32, 2, 4)
  images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (first, second)]
  return *images, np.frombuffer(content, np.float32, offset=12).reshape(height, width, 2)


if __name__ == "__main__":
  cli.run(main)
