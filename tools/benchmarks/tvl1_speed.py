"""Measures the flow profile `fast` against OpenCV's DualTVL1 with the same parameters.

    python -m tools.benchmarks.tvl1_speed --video=FILE

Both compute the flow of 16 frames of a video, of 64x64, 128x128 and 256x256 pixels, in turn and by
one thread each. Printed are milliseconds of the processor for a pair, the medians of --rounds, the
median of the ratios of each round, and the mean distance of the two flows in pixels.
docs/performance.md has a table.
"""

from collections.abc import Callable, Sequence
import itertools
import statistics
import time

from absl import flags
import cv2
import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import stored_images
from data_prep.dataset import tvl1

_VIDEO = flags.DEFINE_string("video", None, "Video whose first frames are used.", required=True)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Times that each is computed.", lower_bound=1)
_FRAMES, _FPS = 16, 10.0
_SIDES = (64, 128, 256)


def main(arguments: Sequence[str]) -> None:
  """Prints a line per size."""
  del arguments
  cv2.setNumThreads(1)
  found = _frames(cli.resolve_path(_VIDEO.value))
  ours, opencv = tvl1.FlowComputer(tvl1.FAST), opencv_fast()
  print(f"{'size':10}{'ours':>8}{'OpenCV':>8}{'ratio':>8}{'pixels apart':>14}")
  for side in _SIDES:
    frames = [stored_images.resized(frame, side, side) for frame in found]
    rounds = [(_timed(ours, frames), _timed(opencv, frames)) for _ in range(_ROUNDS.value)]
    ratio = statistics.median(one[0] / other[0] for one, other in rounds)
    one, other = (statistics.median(seconds for seconds, _ in way) for way in zip(*rounds))
    apart = np.linalg.norm(rounds[0][0][1] - rounds[0][1][1], axis=-1).mean()
    print(f"{f'{side}x{side}':10}{1e3 * one:8.2f}{1e3 * other:8.2f}{ratio:8.3f}{apart:14.3f}")


def opencv_fast() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
  """Returns OpenCV's computation with the parameters of `fast`, for images of one size."""
  method = cv2.optflow.DualTVL1OpticalFlow_create(
    scaleStep=0.5,
    warps=3,
    outerIterations=1,
    innnerIterations=10,  # OpenCV spells it so.
  )
  return lambda first, second: method.calc(first, second, None)


def _frames(video: str) -> list[np.ndarray]:
  """Returns the first frames, grey."""
  timed = decoding.frames(video, clock="index")
  on_grid = itertools.islice(decoding.on_grid(timed, decoding.exact(_FPS)), _FRAMES)
  return [cv2.cvtColor(decoding.upright_rgb(frame), cv2.COLOR_RGB2GRAY) for frame in on_grid]


def _timed(
  compute: Callable[[np.ndarray, np.ndarray], np.ndarray], frames: Sequence[np.ndarray]
) -> tuple[float, np.ndarray]:
  """Returns seconds of the processor for a pair, and the flows."""
  began = time.process_time()
  flows = [compute(first, second) for first, second in itertools.pairwise(frames)]
  return (time.process_time() - began) / len(flows), np.stack(flows)


if __name__ == "__main__":
  cli.run(main)
