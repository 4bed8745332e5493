"""Frames in the graph against data preparation, which does the same with OpenCV."""

import dataclasses

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import stored_images
from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import StreamInfo
from official.inputs import in_graph
from official.inputs.stream_tensors import flow as flow_tensors
from official.serving import frames as frames_lib


@pytest.mark.parametrize(
  "height, width, short_side",
  [
    (30, 40, 24),
    (31, 47, 19),
    (40, 30, 40),
    (20, 15, 24),
    (97, 64, 37),
  ],
)
def test_frames_are_resized_as_data_preparation_does(height, width, short_side):
  rng = np.random.default_rng(height)
  images = rng.uniform(0, 255, (2, height, width, 3)).astype(np.uint8)
  size = stored_images.short_side_size(width, height, short_side)
  expected = np.stack([stored_images.resized(image, *size) for image in images])
  found = in_graph.to_dataset_size(tf.constant(images), short_side).numpy().astype(int)
  assert np.abs(found - expected).max() <= 1


def test_flow_is_that_of_a_dataset(frames):
  large = np.stack([cv2.resize(frame, (80, 60)) for frame in frames])
  grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in large]
  stored = flow_kind.to_levels(tvl1.FlowComputer("fast")(grey[0], grey[1]), 20.0)
  expected = flow_kind.to_pixels(stored, 20.0)
  found = flow_tensors.dataset_flow(tf.constant(large)[tf.newaxis], 20.0)[0, 0].numpy()
  assert np.linalg.norm(found - expected, axis=-1).mean() < 0.3
  np.testing.assert_allclose(found * 128 / 20, np.round(found * 128 / 20), atol=1e-4)


def _through_jpeg(image: np.ndarray) -> np.ndarray:
  """Encoded as by data preparation, decoded as by training."""
  quality = [cv2.IMWRITE_JPEG_QUALITY, stored_images.JPEG_QUALITY]
  data = cv2.imencode(".jpg", image[..., ::-1], quality)[1].tobytes()
  return tf.io.decode_image(data, channels=3).numpy()


def test_frames_have_the_traces_of_a_datasets_jpeg(frames):
  expected = np.stack([_through_jpeg(frame) for frame in frames]).astype(int)
  found = in_graph.as_stored(tf.constant(frames)).numpy()
  assert np.abs(found - expected).mean() < 0.5
  assert np.abs(found - frames.astype(int)).mean() > 1


def test_streams_are_the_middle_in_the_networks_units(frames, model, info):
  clip = frames_lib.clip_format(model.input, info)
  streams = frames_lib.to_streams(tf.constant(frames), clip)
  size = stored_images.short_side_size(40, 30, 18)  # 16 and a margin of an eighth
  small = [
    stored_images.resized(_through_jpeg(stored_images.resized(f, 32, 24)), *size) for f in frames
  ]
  expected = np.stack(small)[:, 1:17, 4:20] / 127.5 - 1
  assert np.abs(streams["rgb"] - expected).mean() < 0.03
  assert streams["flow"].shape == (4, 16, 16, 2)
  assert streams["flow"].numpy().mean((0, 1, 2)) == pytest.approx([1.2, 0.6], abs=0.2)


def test_says_whether_frames_are_enough(model, info):
  clip = frames_lib.clip_format(model.input, info)
  assert clip.comes_from_frames
  for algorithm in ("dis", "given"):
    flow = dataclasses.replace(info.streams["flow"], algorithm=algorithm, profile=None)
    other = dataclasses.replace(info, streams={**info.streams, "flow": flow})
    assert not frames_lib.clip_format(model.input, other).comes_from_frames
    assert frames_lib.clip_format(model.input, other, "in_graph").comes_from_frames
  depth = StreamInfo(kind="image", channels=1, feature="DEPTH/image/encoded", format="png")
  assert not frames_lib.ClipFormat(
    streams={**clip.streams, "depth": depth}, num_frames=4, image_size=16, short_side=24, fps=10.0
  ).comes_from_frames
