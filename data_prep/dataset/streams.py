"""A stream: the facts about one of a dataset's sequences of images.

`data_prep` writes two: `rgb`, the frames, and `flow`, the optical flow between them. A dataset may
have others. What can be done with a stream's values, its kind says (stream_kinds).
"""

import dataclasses

FRAMES, FLOW = "rgb", "flow"  # Names of the streams that data_prep writes.


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamInfo:
  """One stream of a dataset.

  Attributes:
    kind: Name of its kind (stream_kinds).
    channels: Channels that a network sees; the first ones of a stored image.
    feature: Feature list of the SequenceExample that holds one encoded image a frame.
    format: "jpeg" or "png".
    bound: For flow: pixels that 8 bits reach, -bound to bound.
    algorithm: For flow: how it was computed, "tvl1".
    profile: For flow: the algorithm's parameters by name, "fast" or "opencv_default".
  """

  kind: str
  channels: int
  feature: str
  format: str
  bound: float | None = None
  algorithm: str | None = None
  profile: str | None = None
