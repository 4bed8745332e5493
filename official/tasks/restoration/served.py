"""Restoration: frames in, frames out, both as they are seen, in 8 bits.

A request has frames of the size that the network was trained on; every size of frames and any
number of them are made of such squares by whoever asks.
"""

from collections.abc import Mapping, Sequence
import typing

import numpy as np

from data_prep.dataset import degradation
from official.tasks import pixel_answers

if typing.TYPE_CHECKING:
  import tensorflow as tf


_JUDGED = ("psnr", "ssim", "input_psnr", "input_ssim")


class Served(pixel_answers.PixelServed):
  """A signature returns `frames`, uint8 [batch, time, height, width, 3]."""

  outputs = ("frames",)
  averaged = "frames"
  returns_frames = True

  def answer(self, outputs: "tf.Tensor", classes: "tf.Tensor") -> dict[str, "tf.Tensor"]:
    raise TypeError("restored frames are made of the input, too; call `restored`")

  def restored(
    self, frames: "tf.Tensor", outputs: "tf.Tensor", degrade: str
  ) -> dict[str, "tf.Tensor"]:
    """Returns the outputs of a signature, in its graph.

    Args:
      frames: What was sent, from 0 to 255, [batch, time, height, width, 3].
      outputs: The network's.
      degrade: What the network was taught to restore.
    """
    import tensorflow as tf

    from official.tasks.restoration import answer  # imports TensorFlow

    found = answer.restored(frames, outputs, degradation.parse(degrade))
    return {"frames": tf.saturate_cast(tf.round(found * 255), tf.uint8)}

  def check(self, answer: Mapping[str, np.ndarray], classes: Sequence[str]) -> tuple[bool, str]:
    frames = answer["frames"]
    right = frames.dtype == np.uint8 and frames.ndim == 5 and frames.shape[-1] == 3
    return right, f"frames {'x'.join(map(str, frames.shape[1:]))}, mean {frames.mean():.1f}"

  def predictions(
    self,
    labels: Sequence[Sequence[int]],
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
  ) -> list[dict[str, str]]:
    columns = [[f"{value:.4f}" for value in values[name]] for name in _JUDGED]
    return [dict(zip(_JUDGED, row, strict=True)) for row in zip(*columns, strict=True)]

  def badness(self, row: Mapping[str, str]) -> tuple[float, ...]:
    return (-float(row["psnr"]),)

  def title(self, classes: Sequence[str]) -> str:
    return "Restoration of video frames"

  def names(self, classes: Sequence[str]) -> str:
    return "It was taught on frames without labels, of which it saw a degraded copy."

  def returns(self, classes: Sequence[str]) -> str:
    return "Every signature returns `frames`, uint8 [batch, frames, height, width, 3], RGB."
