"""Asks a TensorFlow Serving about a video: the top classes of every window of it.

    python -m tools.serve_client --server=localhost:8500 --model=video --num_frames=8 --fps=10 VIDEO
    python -m tools.serve_client --server=http://localhost:8501 ...

The first speaks gRPC, the second REST. model_card.md of the export says num_frames and fps. Frames
are sent as JPEG to the signature `encoded_frames`; everything else happens in the server.
"""

from collections.abc import Sequence

from absl import flags
import cv2
import numpy as np

from data_prep import cli
from data_prep import decoding
from official.serving import client
from official.serving import windows

FLAGS = flags.FLAGS

flags.DEFINE_string("server", "localhost:8500", "HOST:PORT for gRPC, http://HOST:PORT for REST.")
flags.DEFINE_string("model", "video", "Name under which the server knows the model.")
flags.DEFINE_integer("model_version", None, "Version to ask; default: the newest.")
flags.DEFINE_string("signature", "encoded_frames", "Signature that takes encoded frames.")
flags.DEFINE_integer("num_frames", 8, "Frames of a clip, as in model_card.md.", lower_bound=1)
flags.DEFINE_float("fps", 10.0, "Frames a second, as in model_card.md.", lower_bound=0.001)
flags.DEFINE_integer("top", 3, "Classes to print.", lower_bound=1)

_JPEG_QUALITY = 95  # as a dataset's frames


def main(arguments: Sequence[str]) -> None:
  endpoint = client.Endpoint(
    server=FLAGS.server,
    model=FLAGS.model,
    signature=FLAGS.signature,
    version=FLAGS.model_version,
  )
  for video in windows.videos_of(arguments):

    def ask_about(window: windows.Window, video: str = video) -> None:
      classes, scores = client.ask(endpoint, [_jpeg(frame) for frame in window.frames])
      best = [f"{name} {score:.3f}" for name, score in zip(classes, scores)][: FLAGS.top]
      start, end = window.first / FLAGS.fps, window.end / FLAGS.fps
      print(f"{video} {start:.2f}-{end:.2f} s: {', '.join(best)}", flush=True)

    try:
      windows.each(ask_about, video, fps=FLAGS.fps, size=FLAGS.num_frames)
    except decoding.DecodeError as error:
      raise cli.UserError(f"{video} cannot be read: {error}") from error


def _jpeg(frame: np.ndarray) -> bytes:
  quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
  return cv2.imencode(".jpg", frame[..., ::-1], quality)[1].tobytes()


if __name__ == "__main__":
  cli.run(main, positional=True)
