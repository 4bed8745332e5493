"""A stream: the facts about one of a dataset's sequences of images.

`data_prep` makes two of every video: `rgb`, the frames, and `flow`, the optical flow between them.
A dataset may have others, which come from files of their own (stream_inputs.py). What can be done
with a stream's values, its kind says (stream_kinds).

A stream is cut to the network's square as the frames are, at `scale` times the frames' size; or, if
it has no scale, it has a size of its own, and a network sees all of it.
"""

import dataclasses

FRAMES, FLOW = "rgb", "flow"  # Names of the streams that data_prep makes of videos.
GIVEN = "given"  # Algorithm and profile of flow that comes from a file of its own.


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamInfo:
  """One stream of a dataset.

  Attributes:
    kind: Name of its kind (stream_kinds).
    channels: Channels that a network sees; the first ones of a stored image.
    feature: Feature list of the SequenceExample that holds one encoded image a frame.
    format: "jpeg" or "png"; of arrays, "zlib" (array_frames.py).
    bound: For flow: pixels that 8 bits reach, -bound to bound.
    algorithm: For flow: how it was computed, such as "tvl1" (flow_methods.py).
    profile: For flow: the algorithm's parameters by name, "fast" or "opencv_default"; None
      of an algorithm that has one set of them.
    dtype: For arrays: the type of their values, such as "float16".
    scale: Size of its frames relative to the dataset's; None for the same size, or, with a height
      and a width, for a size of its own.
    height, width: Pixels of every frame of a stream that has a size of its own.
    classes: For masks: names in the order of their numbers.
    mean, spread: For arrays: mean and standard deviation of each channel over the train split.
  """

  kind: str
  channels: int
  feature: str
  format: str
  bound: float | None = None
  algorithm: str | None = None
  profile: str | None = None
  dtype: str | None = None
  scale: float | None = None
  height: int | None = None
  width: int | None = None
  classes: tuple[str, ...] | None = None
  mean: tuple[float, ...] | None = None
  spread: tuple[float, ...] | None = None

  def __post_init__(self) -> None:
    for name in ("mean", "spread", "classes"):
      if getattr(self, name) is not None:
        object.__setattr__(self, name, tuple(getattr(self, name)))

  @property
  def own_size(self) -> tuple[int, int] | None:
    """Height and width of every frame; None if they follow the dataset's frames."""
    return (self.height, self.width) if self.height and self.width else None
