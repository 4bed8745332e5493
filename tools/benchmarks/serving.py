"""Measures how long an exported network takes, and where the time goes.

    python -m tools.benchmarks.serving --saved_model=M/export/1 --video=FILE

First, one clip of the requests to warm up with, to every signature, through TensorFlow's C API and
in this process by Python's, in turn: what Python costs a server, or does not. Either way
TensorFlow chooses its numbers of threads, and the clock runs from arrays to arrays: a call has its
inputs copied into tensors, and every output out of one. The first call of a round is left out;
TensorFlow optimizes a graph then.

Then where the time of encoded_frames goes: decoding, flow and network, each by itself, in turn with
the whole; the rest is resizing, the way through JPEG, and copying.

Then the flow of 16 frames of 128x128 of a video, in the graph and by data preparation
(data_prep.dataset.tvl1, fast), in turn. Printed is the fastest call of each, in ms: what other
programs cost is not counted.
docs/performance.md has a table.
"""

from collections.abc import Callable, Mapping, Sequence
import time

from absl import flags
import cv2
import numpy as np

from data_prep.common import cli
from data_prep.dataset import tvl1

_SAVED_MODEL = flags.DEFINE_string("saved_model", None, "Folder of one version.", required=True)
_VIDEO = flags.DEFINE_string("video", None, "A video of 16 frames or more.", required=True)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Times that the ways alternate.", lower_bound=1)
_REPEAT = 10  # calls in a round; the first of a process is left out
_FRAMES, _SIDE = 16, 128


def main(arguments: Sequence[str]) -> None:
  del arguments
  from official.serving import saved_model
  from official.serving import verification

  saved_model.quieten()
  import tensorflow as tf

  version = saved_model.Version(cli.resolve_path(_SAVED_MODEL.value))
  calls = verification.calls(version)
  loaded = tf.saved_model.load(version.path)
  seconds: dict[tuple[str, str], list[float]] = {}
  for _ in range(_ROUNDS.value):
    answers = saved_model.run(version, calls, repeat=_REPEAT + 1)
    for (signature, inputs), answer in zip(calls, answers, strict=True):
      seconds.setdefault((signature, "c"), []).extend(answer["seconds"][1:])
      predict = loaded.signatures[signature]
      found = _timed(lambda: _called(tf, predict, inputs), _REPEAT + 1)  # noqa: B023
      seconds.setdefault((signature, "python"), []).extend(found[1:])
  print(f"{'one clip':<18}{'C API':>8}{'in process':>12}{'ratio':>8}")
  for signature, _ in calls:
    c, python = (1e3 * min(seconds[signature, way]) for way in ("c", "python"))
    print(f"{signature:<18}{c:>8.1f}{python:>12.1f}{c / python:>8.2f}")
  if "encoded_frames" in version.signatures:
    _show_shares(tf, version, loaded, dict(calls))
  _compare_flow(tf)


def _called(tf, predict: Callable, inputs: Mapping) -> list[np.ndarray]:
  tensors = {name: tf.constant(values) for name, values in inputs.items()}
  return [value.numpy() for value in predict(**tensors).values()]


def _show_shares(tf, version, loaded, inputs: Mapping[str, Mapping]) -> None:
  from official.inputs import in_graph
  from official.inputs.stream_tensors import flow as flow_tensors
  from official.serving import signatures

  decode = tf.function(signatures.decode)
  images = tf.constant(inputs["encoded_frames"]["frames"][0])
  parts = {
    "all": lambda: _called(tf, loaded.signatures["encoded_frames"], inputs["encoded_frames"]),
    "decoding": lambda: decode(images).numpy(),
    "network": lambda: _called(tf, loaded.signatures["streams"], inputs["streams"]),
  }
  bounds = [stream["bound"] for stream in version.clip["streams"].values() if stream["bound"]]
  if bounds:
    flow_of = tf.function(lambda clip: flow_tensors.dataset_flow(clip[tf.newaxis], bounds[0])[0])
    clip = in_graph.to_dataset_size(decode(images), version.clip["short_side"])
    parts["flow"] = lambda: flow_of(clip).numpy()
  seconds = {name: [] for name in parts}
  for _ in range(_ROUNDS.value):
    for name, part in parts.items():
      seconds[name] += _timed(part, _REPEAT + 1)[1:]
  fastest = {name: min(times) for name, times in seconds.items()}
  whole = fastest.pop("all")
  fastest["the rest"] = whole - sum(fastest.values())
  print(f"\n{'encoded_frames':<18}{'ms':>8}{'share':>12}")
  for name, one in fastest.items():
    print(f"{name:<18}{1e3 * one:>8.1f}{one / whole:>12.0%}")


def _compare_flow(tf) -> None:
  from official.layers import optical_flow
  from official.serving import windows

  video = cli.resolve_path(_VIDEO.value)
  found = windows.each(lambda window: window.frames, video, fps=10.0, size=_FRAMES)
  clip = np.stack(
    [cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for frame in found[0]]
  )
  grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
  signature = [tf.TensorSpec([None, _FRAMES, None, None, 3], tf.uint8)]
  in_graph = tf.function(optical_flow.clip_flow, input_signature=signature)
  frames = tf.constant(clip[np.newaxis])
  computer = tvl1.FlowComputer(tvl1.FAST)
  cv2.setNumThreads(1)
  ways: dict[str, Callable] = {
    "in the graph": lambda: in_graph(frames).numpy(),
    "preparation": lambda: [computer(one, other) for one, other in zip(grey, grey[1:])],
  }
  seconds = {name: [] for name in ways}
  for _ in range(_ROUNDS.value + 1):
    for name, way in ways.items():
      seconds[name] += _timed(way, 1)
  print(f"\nflow of {_FRAMES} frames of {_SIDE}x{_SIDE}")
  for name, times in seconds.items():
    print(f"{name:<18}{1e3 * min(times[1:]):>8.0f}")


def _timed(function: Callable, repeat: int) -> list[float]:
  times = []
  for _ in range(repeat):
    start = time.perf_counter()
    function()
    times.append(time.perf_counter() - start)
  return times


if __name__ == "__main__":
  cli.run(main)
