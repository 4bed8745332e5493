"""What a network says of videos, or makes of them, as values."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses

import numpy as np

from data_prep.common import cli
from official.serving import prediction
from official.serving import restoring
from official.serving import saved_model as saved_model_lib
from official.serving import segmenting
from official.serving import windows


@dataclasses.dataclass(frozen=True)
class Answer:
  """What a network says of a video.

  Attributes:
    path: The video.
    label: The most probable class; empty where there is an error, or the network answers for every
      pixel.
    score: Its probability.
    probabilities: Those of every class.
    error: Why the video cannot be read; empty where it can.
    frames: The whole restored video, RGB, uint8 [time, height, width, 3], where the network
      restores frames.
    masks: The number of the class of every pixel, uint8 [time, height, width], at the network's
      frame rate, where the network tells it.
  """

  path: str
  label: str = ""
  score: float = 0.0
  probabilities: Mapping[str, float] = dataclasses.field(default_factory=dict)
  error: str = ""
  frames: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)
  masks: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)


def ask(saved_model: str, videos: Sequence[str]) -> list[Answer]:
  """Returns the answers of a SavedModel about videos, and videos in folders.

  Raises:
    UserError: The SavedModel is damaged or its task has no such answers, or there is no video.
  """
  path = cli.plain_path("saved_model", saved_model)
  version = saved_model_lib.Version(path)
  ask_one = _asks(version)
  return [ask_one(video) for video in windows.videos_of(list(videos), lambda line: None)]


def _asks(version: saved_model_lib.Version) -> Callable[[str], Answer]:
  """Returns what answers about a video."""
  if version.served.returns_frames:
    restorer = restoring.Restorer(version.path, restoring.Manner())
    return _surely(lambda video: Answer(video, frames=restorer.frames(video)))
  if version.served.returns_masks:
    segmenter = segmenting.Segmenter(version.path, segmenting.Manner())
    return _surely(lambda video: Answer(video, masks=segmenter.masks(video)))
  if not version.served.columns:
    raise cli.UserError(
      f"{version.path} returns {version.served.averaged}, of which there are no classes to tell; "
      "call its signatures, as its model_card.md says"
    )
  classes = version.labels
  network = prediction.load(version.path, version.spec)
  return lambda video: _answer(prediction.of_whole(network(video)), classes)


def _surely(ask: Callable[[str], Answer]) -> Callable[[str], Answer]:
  """Returns a function that answers in any case: with the reason where it cannot."""

  def asked(video: str) -> Answer:
    try:
      return ask(video)
    except Exception as error:  # Whatever it is, it costs this video and no other.
      return Answer(video, error=prediction.reason(error))

  return asked


def _answer(found: prediction.Prediction, classes: Sequence[str]) -> Answer:
  if found.error:
    return Answer(found.path, error=found.error)
  scores = dict(zip(classes, map(float, found.probabilities)))
  label = max(scores, key=scores.__getitem__)
  return Answer(found.path, label, scores[label], scores)
