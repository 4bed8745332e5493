"""What a network says of videos, as values."""

from collections.abc import Mapping, Sequence
import dataclasses

from data_prep.common import cli
from official.serving import prediction
from official.serving import saved_model as saved_model_lib
from official.serving import windows


@dataclasses.dataclass(frozen=True)
class Answer:
  """What a network says of a video.

  Attributes:
    path: The video.
    label: The most probable class; empty where there is an error.
    score: Its probability.
    probabilities: Those of every class.
    error: Why the video cannot be read; empty where it can.
  """

  path: str
  label: str
  score: float
  probabilities: Mapping[str, float]
  error: str = ""


def ask(saved_model: str, videos: Sequence[str]) -> list[Answer]:
  """Returns the answers of a SavedModel about videos, and videos in folders.

  Raises:
    UserError: The SavedModel is damaged or returns pictures, or there is no video.
  """
  path = cli.plain_path("saved_model", saved_model)
  version = saved_model_lib.Version(path)
  if not version.served.columns:
    raise cli.UserError(
      f"{path} returns {version.served.averaged}, of which there are no classes to tell; call its "
      "signatures, as its model_card.md says, or python -m official.predict for restored videos"
    )
  classes = version.labels
  network = prediction.load(path, version.spec)
  return [
    _answer(prediction.of_whole(network(video)), classes)
    for video in windows.videos_of(list(videos), lambda line: None)
  ]


def _answer(found: prediction.Prediction, classes: Sequence[str]) -> Answer:
  if found.error:
    return Answer(found.path, "", 0.0, {}, found.error)
  scores = dict(zip(classes, map(float, found.probabilities)))
  label = max(scores, key=scores.__getitem__)
  return Answer(found.path, label, scores[label], scores)
