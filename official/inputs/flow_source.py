"""The source of a training's optical flow.

    stored     from the dataset, if preparation computed it
    in_graph   from the dataset's frames, by official.layers.optical_flow; also where it has flow;
               where frames are restored, from the degraded ones that the network reads (targets.py)

Computed flow is made where stored flow would be decoded, and is the same thing from there on: that
of the frames at the dataset's size, from each to the next, in the same 8 bits, (x, y, 0). So caches
keep it, views cut and mirror it, and motion beyond the bound is clipped, as with stored flow.
Serving does the same in the same order (official.serving.frames). Two things differ from stored
flow: details of the algorithm, and that frames have been through JPEG, as preparation's had not.

Stored flow of another algorithm than TV-L1 is never computed: a network that reads it is served
without frames.
"""

from collections.abc import Collection, Mapping
import dataclasses

import numpy as np

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import stream_kinds
from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import FLOW
from data_prep.dataset.streams import FRAMES
from data_prep.dataset.streams import StreamInfo

STORED, IN_GRAPH = MODES = ("stored", "in_graph")


def streams(info: metadata.DatasetInfo, mode: str) -> dict[str, StreamInfo]:
  """Returns the streams that a network can read in a training on the dataset.

  Args:
    info: What the folder holds.
    mode: One of MODES.

  Raises:
    UserError: The mode is unknown, or there are no frames to compute flow from.
  """
  if mode not in MODES:
    raise cli.UserError(f"unknown flow {mode!r}; there are {', '.join(MODES)}")
  there = {
    name: stream
    for name, stream in info.streams.items()
    if not stream_kinds.get(stream.kind).is_target
  }
  if mode == STORED:
    return there
  if FRAMES not in there:
    raise cli.UserError(
      f"`flow`={mode} computes flow from the stream {FRAMES}, and the dataset has "
      f"{', '.join(sorted(there))}; give `flow`={STORED}, or prepare a dataset with frames"
    )
  stored = there.get(FLOW)
  there[FLOW] = dataclasses.replace(
    there[FRAMES],
    kind=flow_kind.KIND.name,
    channels=2,
    bound=stored.bound if stored else clip_examples.Settings.flow_bound,
    algorithm=tvl1.ALGORITHM,
    profile=IN_GRAPH,
  )
  return there


def mode_of(streams: Mapping[str, StreamInfo]) -> str:
  """Returns the mode that gave these streams."""
  return IN_GRAPH if computed(streams) else STORED


def computed(streams: Mapping[str, StreamInfo]) -> dict[str, StreamInfo]:
  """Returns those of the streams that are computed from frames."""
  return {name: stream for name, stream in streams.items() if is_computed(stream)}


def is_computed(stream: StreamInfo) -> bool:
  """Returns whether it is flow that is computed from the frames in its feature."""
  return stream.profile == IN_GRAPH


def comes_from_frames(stream: StreamInfo) -> bool:
  """Returns whether a served network makes such flow of frames.

  It computes TV-L1. A network that was trained on flow of another algorithm, or of files of its
  own, would be asked about what it has never seen.
  """
  return stream.algorithm in (None, tvl1.ALGORITHM)


def could_give(missing: Collection[str], available: Collection[str]) -> bool:
  """Returns whether the missing streams, by name, can be computed from those that are available."""
  return set(missing) == {FLOW} and FRAMES in available


def compute(pairs: np.ndarray, bound: float) -> np.ndarray:
  """Returns flow as a dataset stores it, uint8 [pairs, height, width, 3], (x, y, 0).

  That of a pair depends on no other pair and on no number of threads, to the bit. It is computed on
  the GPU where TensorFlow has one.

  Args:
    pairs: RGB, uint8 [pairs, 2, height, width, 3].
    bound: Pixels that 8 bits reach.
  """
  from official.layers import optical_flow  # imports tensorflow_addons

  return flow_kind.to_levels(optical_flow.pair_flow(pairs).numpy(), bound)
