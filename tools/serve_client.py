"""Asks a TensorFlow Serving about videos: the top classes of every window of each.

    python -m tools.serve_client --server=localhost:8500 --model=video --num_frames=8 --fps=10 VIDEO
    python -m tools.serve_client --server=http://localhost:8501 ... --output=answers.csv FOLDER

The first speaks gRPC, the second REST. model_card.md of the export says num_frames and fps. Frames
are sent as JPEG to the signature `encoded_frames`; everything else happens in the server.

--output also writes a CSV, a row for each video, as official.predict does: the mean over the
windows, of the classes that the server names (the best five of each window), without a column for
each class. A file that cannot be read stops nothing, and the same command resumes. Exit statuses
are those of official.predict, too; a server that cannot be reached is status 2.
"""

from collections.abc import Sequence
import dataclasses
import functools
import os
import sys

from absl import flags
import cv2
import numpy as np

from data_prep.common import cli
from official.serving import answers
from official.serving import batch
from official.serving import client
from official.serving import prediction
from official.serving import windows

FLAGS = flags.FLAGS

flags.DEFINE_string("server", "localhost:8500", "HOST:PORT for gRPC, http://HOST:PORT for REST.")
flags.DEFINE_string("model", "video", "Name under which the server knows the model.")
flags.DEFINE_integer("model_version", None, "Version to ask; default: the newest.")
flags.DEFINE_string("signature", "encoded_frames", "Signature that takes encoded frames.")
flags.DEFINE_integer("num_frames", 8, "Frames of a clip, as in model_card.md.", lower_bound=1)
flags.DEFINE_float("fps", 10.0, "Frames per second, as in model_card.md.", lower_bound=0.001)
flags.DEFINE_integer("top", 3, "Classes to print.", lower_bound=1)
batch.define_flags("CSV to write, too; default: none.")

_JPEG_QUALITY = 95  # as a dataset's frames


def main(arguments: Sequence[str]) -> int:
  if FLAGS.output:
    answers.check_folder(cli.resolve_path(FLAGS.output))
  endpoint = client.Endpoint(
    server=FLAGS.server,
    model=FLAGS.model,
    signature=FLAGS.signature,
    version=FLAGS.model_version,
  )
  version = "newest" if FLAGS.model_version is None else FLAGS.model_version
  called = (
    f"{FLAGS.server} {FLAGS.model} {version} {FLAGS.signature} {FLAGS.num_frames} frames "
    f"{FLAGS.fps:g} fps"
  )
  notes: list[str] = []
  asked = batch.Batch(
    questions=batch.questions(
      arguments, manifest=FLAGS.manifest, split=FLAGS.split, tell=notes.append
    ),
    form=answers.Format(model=called, with_labels=bool(FLAGS.manifest)),
    make=Asker,
    arguments=(endpoint, FLAGS.fps, FLAGS.num_frames),
    notes=notes,
    show=functools.partial(_show, top=FLAGS.top),
  )
  return batch.run(
    asked,
    FLAGS.output,
    overwrite=FLAGS.overwrite,
    retry_errors=FLAGS.retry_errors,
    manifest=FLAGS.manifest,
  )


class Asker:
  """Asks the server about videos, in a process of its own."""

  def __init__(self, endpoint: client.Endpoint, fps: float, num_frames: int):
    self._endpoint, self._fps, self._num_frames = endpoint, fps, num_frames
    self._answered = False

  def __call__(
    self, path: str, start: float | None, end: float | None
  ) -> list[prediction.Prediction]:
    """Returns what is said of every window of a video, of the classes that the server named.

    Raises:
      UserError: The server cannot be reached, or refuses every request.
    """
    notes: list[str] = []
    try:
      found = windows.each(
        functools.partial(self._of_window, path=path),
        path,
        fps=self._fps,
        size=self._num_frames,
        start=start,
        end=end,
        on_note=notes.append,
      )
    except client.Refused as error:
      if not error.concerns_one(answered=self._answered):
        raise
      return [prediction.Prediction(path=path, error=prediction.reason(error))]
    names = tuple(sorted({name for _, scores in found for name in scores}))
    return [
      dataclasses.replace(
        part,
        probabilities=np.array([scores.get(name, 0.0) for name in names]),
        classes=names,
        notes=notes,
      )
      for part, scores in found
    ]

  def _of_window(
    self, window: windows.Window, path: str
  ) -> tuple[prediction.Prediction, dict[str, float]]:
    """Returns where the window lies, and its classes with their scores."""
    classes, scores = client.ask(self._endpoint, [_jpeg(frame) for frame in window.frames])
    self._answered = True
    part = prediction.Prediction(
      path=path,
      start=window.begin + window.first / self._fps,
      end=window.begin + window.end / self._fps,
      padded=window.padded,
    )
    return part, dict(zip(classes, map(float, scores)))


def _show(path: str, parts: Sequence[prediction.Prediction], *, top: int) -> None:
  """Prints one line per window."""
  for part in parts:
    if not part.error:
      best = sorted(zip(part.probabilities, part.classes), key=lambda one: (-one[0], one[1]))
      named = ", ".join(f"{cli.printable(name)} {score:.3f}" for score, name in best[:top] if score)
      try:
        print(f"{cli.printable(path)} {part.start:.2f}-{part.end:.2f} s: {named}", flush=True)
      except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not FLAGS.output:
          raise cli.UserError("whoever read the answers has left") from error


def _jpeg(frame: np.ndarray) -> bytes:
  quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
  return cv2.imencode(".jpg", frame[..., ::-1], quality)[1].tobytes()


if __name__ == "__main__":
  cli.run(main, positional=True)
