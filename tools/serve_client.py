"""Asks a TensorFlow Serving about a video: the top classes of every window of it.

    python -m tools.serve_client --server=localhost:8500 --model=video --num_frames=8 --fps=10 VIDEO
    python -m tools.serve_client --server=http://localhost:8501 ...

The first speaks gRPC, the second REST. model_card.md of the export says num_frames and fps. Frames
are sent as JPEG to the signature `encoded_frames`; everything else happens in the server.
"""

import base64
from collections.abc import Sequence
import json
import urllib.error
import urllib.request

from absl import flags
import cv2
import numpy as np

from data_prep import cli
from data_prep import decoding
from official.serving import messages
from official.serving import windows

FLAGS = flags.FLAGS

flags.DEFINE_string("server", "localhost:8500", "HOST:PORT for gRPC, http://HOST:PORT for REST.")
flags.DEFINE_string("model", "video", "Name under which the server knows the model.")
flags.DEFINE_integer("model_version", None, "Version to ask; default: the newest.")
flags.DEFINE_string("signature", "encoded_frames", "Signature that takes encoded frames.")
flags.DEFINE_integer("num_frames", 8, "Frames of a clip, as in model_card.md.", lower_bound=1)
flags.DEFINE_float("fps", 10.0, "Frames a second, as in model_card.md.", lower_bound=0.001)
flags.DEFINE_integer("top", 3, "Classes to print.", lower_bound=1)

_SECONDS = 60
_JPEG_QUALITY = 95  # as a dataset's frames


def main(arguments: Sequence[str]) -> None:
  ask = _by_rest if "://" in FLAGS.server else _by_grpc
  for video in windows.videos_of(arguments):

    def ask_about(window: windows.Window, video: str = video) -> None:
      classes, scores = ask([_jpeg(frame) for frame in window.frames])
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


def _by_grpc(images: Sequence[bytes]) -> tuple[list[str], list[float]]:
  """Returns the best classes and their scores."""
  import grpc

  frames = np.empty((1, len(images)), object)
  frames[0] = images
  request = messages.predict_request(
    FLAGS.model, FLAGS.signature, {"frames": frames}, FLAGS.model_version
  )
  unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
  with grpc.insecure_channel(FLAGS.server, options=unlimited) as channel:
    predict = channel.unary_unary(
      messages.PREDICT,
      request_serializer=messages.PredictRequest.SerializeToString,
      response_deserializer=messages.PredictResponse.FromString,
    )
    try:
      outputs = predict(request, timeout=_SECONDS).outputs
    except grpc.RpcError as error:
      raise _refused(error.code().name, error.details()) from error
  classes, scores = (messages.get_array(outputs[name])[0] for name in ("classes", "scores"))
  return [name.decode() for name in classes], list(scores)


def _by_rest(images: Sequence[bytes]) -> tuple[list[str], list[float]]:
  """Returns the best classes and their scores."""
  version = "" if FLAGS.model_version is None else f"/versions/{FLAGS.model_version}"
  frames = [[{"b64": base64.b64encode(image).decode()} for image in images]]
  request = urllib.request.Request(
    f"{FLAGS.server.rstrip('/')}/v1/models/{FLAGS.model}{version}:predict",
    data=json.dumps({"signature_name": FLAGS.signature, "inputs": {"frames": frames}}).encode(),
    headers={"Content-Type": "application/json"},
  )
  try:
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
      outputs = json.load(response)["outputs"]
  except urllib.error.HTTPError as error:
    raise _refused(str(error.code), error.read().decode(errors="replace")) from error
  except urllib.error.URLError as error:
    raise _refused("no answer", error.reason) from error
  return outputs["classes"][0], outputs["scores"][0]


def _refused(code: str, why: object) -> cli.UserError:
  return cli.UserError(
    f"the server {FLAGS.server} answers {code}: {why}; look at --server, --model, --signature, "
    "--num_frames and at the server's log"
  )


if __name__ == "__main__":
  cli.run(main, positional=True)
