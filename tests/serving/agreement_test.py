"""Serving and evaluation make the same streams of a dataset's frames."""

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.inputs import in_graph
from official.inputs import videos
from official.inputs import views
from official.inputs.stream_tensors import image as image_tensors
from official.serving import frames as frames_lib

_STREAM = StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")


def _video(images, streams, side):
  """Returns a video whose stored frames are these, once they have been through JPEG."""
  stored = in_graph.as_stored(tf.constant(np.stack(images))).numpy()
  record = tf.train.SequenceExample()
  for image in stored:
    feature = record.feature_lists.feature_list["image/encoded"].feature.add()
    feature.bytes_list.value.append(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
  return videos.from_record(record.SerializeToString(), streams, side, shrunk=True)


@pytest.mark.parametrize(
  "height, width, image_size",
  [
    (24, 32, 16),
    (24, 32, 24),
    (32, 24, 16),
    (40, 40, 35),
    (45, 61, 32),
  ],
)
def test_images_are_those_of_evaluation(height, width, image_size):
  rng = np.random.default_rng(height)
  images = [
    cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)), (0, 0), 1).astype(np.uint8)
    for _ in range(2)
  ]
  short_side = min(height, width)
  clip = frames_lib.ClipFormat(
    streams={"rgb": _STREAM}, num_frames=2, image_size=image_size, short_side=short_side, fps=10.0
  )
  found = frames_lib.to_streams(tf.constant(np.stack(images)), clip)["rgb"].numpy()
  video = _video(images, {"rgb": _STREAM}, clip.grid_side)
  expected = np.empty((1, 2, image_size, image_size, 3), np.uint8)
  views.cut(video, "rgb", _STREAM, [views.View()], expected)
  difference = found - image_tensors.scaled(expected[0]).numpy()
  assert np.abs(difference).max() <= 2.01 / 127.5  # Two roundings to 8 bits.


@pytest.mark.parametrize("image_size", [26, 16])
def test_flow_of_a_network_trained_on_computed_flow_is_that_of_evaluation(frames, image_size):
  flow = dataclasses.replace(_STREAM, kind="flow", channels=2, bound=20.0, profile="in_graph")
  clip = frames_lib.ClipFormat(
    streams={"flow": flow}, num_frames=4, image_size=image_size, short_side=30, fps=10.0
  )
  found = frames_lib.to_streams(tf.constant(frames), clip)["flow"].numpy()
  video = _video(frames, clip.streams, clip.grid_side)
  expected = np.empty((1, 4, image_size, image_size, 2), np.float16)
  views.cut(video, "flow", flow, [views.View()], expected)
  assert np.abs(expected).mean() > 0.2
  np.testing.assert_allclose(found, expected[0], atol=2e-3)
