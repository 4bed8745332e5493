"""Predictions for videos, by a SavedModel in this process."""

from collections.abc import Sequence
import dataclasses

import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import limits
from data_prep.dataset import stream_files
from official.serving import saved_model
from official.serving import windows
from official.tasks import contract

_LONGEST_REASON = 300
_PLAIN = decoding.DecodeError | limits.LimitError | stream_files.StreamError  # These say it all.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
  """The answer about a video, or about a part of it.

  Attributes:
    path: The video.
    start, end: Seconds.
    probabilities: By class, in the order of the network's classes; empty where there is an error.
    classes: Names of some classes, where the probabilities are of these only.
    error: Why the video cannot be read; empty where it can.
    padded: Frames that repeat the last one, because the video is shorter than a window.
    notes: What is odd about the video's frames, and was dealt with.
  """

  path: str
  start: float = 0.0
  end: float = 0.0
  probabilities: Sequence[float] = ()
  error: str = ""
  padded: int = 0
  notes: Sequence[str] = ()
  classes: Sequence[str] = ()


class Predictor:
  """A loaded SavedModel."""

  def __init__(self, version: saved_model.Version):
    """Loads it; raises UserError if it is damaged, or cannot be asked about plain frames."""
    self._clip, self._averaged = version.clip, version.served.averaged
    self._loaded = saved_model.load_for_frames(version)  # The signature alone does not keep it.
    self._predict = self._loaded.signatures["serving_default"]

  def __call__(
    self, path: str, start: float | None = None, end: float | None = None
  ) -> list[Prediction]:
    """Returns the answers for all windows of a video, or its error if it cannot be read.

    Args:
      path: The video.
      start: Seconds into the video where the first window begins; None for its beginning.
      end: Seconds into the video before which the last window ends; None for its end.
    """
    fps, size, averaged = self._clip["fps"], self._clip["num_frames"], self._averaged

    def ask(window: windows.Window) -> Prediction:
      probabilities = self._predict(frames=window.frames[np.newaxis])[averaged].numpy()[0]
      if not np.isfinite(probabilities).all():
        raise ValueError("the network's answer is not a number; look at how it was trained")
      return Prediction(
        path=path,
        start=window.begin + window.first / fps,
        end=window.begin + window.end / fps,
        probabilities=probabilities,
        padded=window.padded,
      )

    notes: list[str] = []
    try:
      found = windows.each(
        ask, path, fps=fps, size=size, start=start, end=end, on_note=notes.append
      )
      return [dataclasses.replace(part, notes=notes) for part in found]
    except Exception as error:  # Whatever it is, it costs this video and no other.
      return [Prediction(path=path, error=reason(error))]


def load(path: str, task: contract.Spec) -> Predictor:
  """Returns what asks the SavedModel in a folder, whose task a process of its own need not know.

  Raises:
    UserError: It is damaged, or cannot be asked about plain frames.
  """
  version = saved_model.Version(path, task)
  version.check_assets()
  return Predictor(version)


def reason(error: Exception) -> str:
  """Returns why a video cannot be used, on one line of moderate length."""
  text = " ".join(str(error).split())
  if not isinstance(error, _PLAIN):
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
  return cli.printable(text[:_LONGEST_REASON])


def of_whole(parts: Sequence[Prediction]) -> Prediction:
  """Returns the mean over the windows of one video."""
  if parts[0].error:
    return parts[0]
  mean = np.mean([part.probabilities for part in parts], axis=0)
  return dataclasses.replace(parts[0], end=parts[-1].end, probabilities=mean)
