"""Frames as a file for people: a video, or a folder of PNGs.

    NAME.mkv            FFV1 by default, which is lossless; any encoder of PyAV's by name
    NAME/000000.png     from frame 0 on

A file appears whole, when all frames are there, or not at all.
"""

import contextlib
from fractions import Fraction
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import stored_images

if TYPE_CHECKING:
  import av

LOSSLESS = "ffv1"
_PNG = "png"
# FFV1 keeps RGB as it is; others are for players, most of which know nothing else.
_PIXELS = {LOSSLESS: "bgr0"}
_OPTIONS = {"libx264": {"crf": "16"}}
_FOR_PLAYERS = "yuv420p"


def check_codec(codec: str) -> None:
  """Raises UserError where there is no encoder of that name."""
  import av

  try:
    if codec != _PNG and av.Codec(codec, "w").type == "video":
      return
  except ValueError:  # There is none of that name.
    pass
  raise cli.UserError(
    f"`codec`={codec} is no encoder of videos here; give {LOSSLESS} (lossless) or libx264, or "
    "--png for a folder of PNGs"
  )


class FrameFile(contextlib.AbstractContextManager):
  """A video or a folder that grows by one frame at a time.

  Attributes:
    path: Where it will be.
  """

  def __init__(self, path: str, *, rate: Fraction, codec: str | None = LOSSLESS):
    """Begins a file.

    Args:
      path: Local, without an extension.
      rate: Frames a second.
      codec: Name of the encoder; None for a folder of PNGs.
    """
    self.path = path if codec is None else path + ".mkv"
    self._beside = os.path.join(
      os.path.dirname(self.path), f".writing-{os.path.basename(self.path)}"
    )
    self._codec, self._rate = codec, rate
    self._container: av.container.OutputContainer | None = None
    self._count = 0
    if codec is None:
      shutil.rmtree(self._beside, ignore_errors=True)
      os.makedirs(self._beside)

  def write(self, image: np.ndarray) -> None:
    """Adds a frame, RGB, uint8 [height, width, 3], of the size of the first one."""
    if self._codec is None:
      path = os.path.join(self._beside, f"{self._count:06d}.png")
      with open(path, "wb") as file:
        file.write(stored_images.encode(image, _PNG))
    else:
      self._encode(image)
    self._count += 1

  def __exit__(self, kind, *error) -> None:
    try:
      if self._container is not None:
        if kind is None:
          self._container.mux(self._container.streams.video[0].encode())
        self._container.close()
      if kind is None and self._count:
        if self._codec is None:
          files.settle_tree(self._beside)
          shutil.rmtree(self.path, ignore_errors=True)
        os.replace(self._beside, self.path)
    finally:
      shutil.rmtree(self._beside, ignore_errors=True)
      with contextlib.suppress(OSError):
        os.unlink(self._beside)

  def _encode(self, image: np.ndarray) -> None:
    import av

    if self._container is None:
      self._container = av.open(self._beside, "w", format="matroska")
      stream = self._container.add_stream(
        self._codec, rate=self._rate, options=_OPTIONS.get(self._codec, {})
      )
      stream.pix_fmt = _PIXELS.get(self._codec, _FOR_PLAYERS)
      # The latter has one colour for each square of 2x2 pixels.
      unit = 2 if stream.pix_fmt == _FOR_PLAYERS else 1
      stream.height, stream.width = (side // unit * unit for side in image.shape[:2])
    stream = self._container.streams.video[0]
    image = image[: stream.height, : stream.width]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    self._container.mux(stream.encode(frame))
