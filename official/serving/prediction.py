"""Predictions for videos, by a SavedModel in this process."""

from collections.abc import Iterable, Iterator, Sequence
import csv
import dataclasses
import io

import numpy as np

from data_prep import cli
from data_prep import decoding
from official.serving import saved_model
from official.serving import windows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
  """What is said of a video, or of a part of it.

  Attributes:
    path: The video.
    start, end: Seconds.
    probabilities: By class, in the order of the network's classes; empty where there is an error.
    error: Why the video cannot be read; empty where it can.
  """

  path: str
  start: float = 0.0
  end: float = 0.0
  probabilities: Sequence[float] = ()
  error: str = ""


class Predictor:
  """A loaded SavedModel."""

  def __init__(self, version: saved_model.Version):
    """Loads it; raises UserError if it is damaged, or cannot be asked about plain frames."""
    saved_model.quieten()
    import tensorflow as tf

    self._clip = version.clip
    try:
      self._loaded = tf.saved_model.load(version.path)  # the signature alone does not keep it
    except (OSError, ValueError, tf.errors.OpError) as error:
      raise cli.UserError(
        f"{version.path} cannot be loaded ({error}); export the network again"
      ) from error
    self._predict = self._loaded.signatures["serving_default"]
    inputs = sorted(self._predict.structured_input_signature[1])
    if inputs != ["frames"]:
      raise cli.UserError(
        f"{version.path} takes {', '.join(inputs)}, which plain frames do not give; ask its "
        "signature streams"
      )

  def __call__(self, path: str) -> list[Prediction]:
    """Returns what is said of every window of a video; of one that cannot be read, its error."""
    fps, size = self._clip["fps"], self._clip["num_frames"]
    try:
      found = windows.each(self._of_window, path, fps=fps, size=size)
    except decoding.DecodeError as error:
      return [Prediction(path=path, error=str(error))]
    return [
      Prediction(path=path, start=first / fps, end=end / fps, probabilities=probabilities)
      for first, end, probabilities in found
    ]

  def _of_window(self, window: windows.Window) -> tuple[int, int, np.ndarray]:
    answer = self._predict(frames=window.frames[np.newaxis])
    return window.first, window.end, answer["probabilities"].numpy()[0]


def of_whole(parts: Sequence[Prediction]) -> Prediction:
  """Returns the mean over the windows of one video."""
  if parts[0].error:
    return parts[0]
  mean = np.mean([part.probabilities for part in parts], axis=0)
  return dataclasses.replace(parts[0], end=parts[-1].end, probabilities=mean)


def to_csv(predictions: Iterable[Prediction], classes: Sequence[str]) -> bytes:
  """Returns a table: path, start, end, class, score, error, and every class's probability."""
  text = io.StringIO()
  writer = csv.writer(text, lineterminator="\n")
  header = ["path", "start", "end", "class", "score", "error"]
  writer.writerow(header + [f"probability of {name}" for name in classes])
  writer.writerows(_rows(predictions, classes))
  return text.getvalue().encode()


def _rows(predictions: Iterable[Prediction], classes: Sequence[str]) -> Iterator[list[str]]:
  for found in predictions:
    if found.error:
      yield [found.path, "", "", "", "", found.error, *[""] * len(classes)]
      continue
    best = int(np.argmax(found.probabilities))
    numbers = [f"{value:.4f}" for value in found.probabilities]
    span = [f"{found.start:.3f}", f"{found.end:.3f}"]
    yield [found.path, *span, classes[best], numbers[best], "", *numbers]
