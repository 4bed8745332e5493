"""The requests with which a server warms up a version before it serves it.

    <version>/assets.extra/tf_serving_warmup_requests     a TFRecord file of PredictionLog

The first request to a fresh graph takes seconds, because TensorFlow optimizes it then; a server
makes these requests to itself first. One of them asks `encoded_frames` about the beginning of a
clip of the dataset, one `serving_default` about the same frames. A request that fails keeps a
server from loading the version, so that verification replays them.
"""

from collections.abc import Iterator, Sequence
import os
from typing import IO

import cv2
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset.streams import FRAMES
from official.serving import messages

PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")


def first_clip(data_dir: str, num_frames: int) -> list[bytes]:
  """Returns encoded frames from the beginning of the first training clip.

  The last frame is repeated where the clip has fewer; there are none in a dataset without frames.
  """
  frames = metadata.load(data_dir).streams.get(FRAMES)
  if frames is None:
    return []
  for path in metadata.shard_paths(data_dir, "train"):
    with files.open_to_read(path) as file:
      for record in records.read_records(file):  # None where all clips of a file failed.
        _, lists = records.parse(record)
        found = [frame for (frame,) in lists[frames.feature][:num_frames]]
        return found + found[-1:] * (num_frames - len(found))
  raise cli.UserError(
    f"{data_dir} has no train clips, though its {metadata.FILE_NAME} counts some; prepare it again"
  )


def write(version: str, model: str, clip: Sequence[bytes]) -> None:
  """Writes the file.

  Args:
    version: Folder of the version.
    model: Name for the requests; a server puts its own in its place.
    clip: Encoded frames.
  """
  encoded = np.empty((1, len(clip)), object)
  encoded[0] = clip
  asked = {"encoded_frames": encoded, "serving_default": decode(clip)[np.newaxis]}
  os.makedirs(os.path.join(version, os.path.dirname(PATH)))
  with open(os.path.join(version, PATH), "wb") as file:
    for signature, frames in asked.items():
      log = prediction_log_pb2.PredictionLog()
      request = messages.predict_request(model, signature, {"frames": frames})
      log.predict_log.request.CopyFrom(request)
      records.write_record(file, log.SerializeToString(deterministic=True))


def read(version: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
  """Yields signature and inputs of every request; nothing where there is no file.

  Raises:
    UserError: The file is damaged.
  """
  path = os.path.join(version, PATH)
  if not os.path.exists(path):
    return
  with open(path, "rb") as file:
    for record in _whole_records(path, file):
      request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
      inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
      yield request.model_spec.signature_name, inputs


def _whole_records(path: str, file: IO[bytes]) -> Iterator[bytes]:
  try:
    yield from records.read_records(file)
  except ValueError as error:
    raise cli.UserError(f"{path} cannot be read ({error}); export the network again") from error


def decode(clip: Sequence[bytes]) -> np.ndarray:
  """Returns uint8 [frames, height, width, 3], RGB; raises ValueError if one is no image."""
  images = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in clip]
  broken = [index for index, image in enumerate(images) if image is None]
  if broken:
    raise ValueError(f"frames {broken} of the clip to warm up with are no images")
  return np.stack(images)[..., ::-1]
