"""TV-L1 in the graph: sign, scale, accuracy, and what it may consist of."""

import pathlib

import av
import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import stored_images
from data_prep.dataset import tvl1
from official.layers import optical_flow
from tests import true_flow

_GREY = tf.TensorSpec([None, None, None], tf.float32)
_tvl1 = tf.function(optical_flow.tvl1, input_signature=[_GREY, _GREY])


def _flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  return _tvl1(first[np.newaxis].astype(np.float32), second[np.newaxis].astype(np.float32))[0]


def _texture(height: int, width: int, seed: int = 0) -> np.ndarray:
  noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
  blurred = cv2.GaussianBlur(noise, (0, 0), 3)
  low, high = blurred.min(), blurred.max()
  return ((blurred - low) / (high - low) * 255).astype(np.uint8)


def _moving(frames: int = 3, side: int = 48, seed: int = 0) -> np.ndarray:
  """A texture that goes two pixels to the right and one up a frame, [frames, side, side, 3]."""
  image = _texture(side, side, seed)
  return np.stack([np.roll(image, (-k, 2 * k), (0, 1)) for k in range(frames)])


@pytest.fixture(scope="module")
def layer():
  made = optical_flow.OpticalFlow()
  signature = [tf.TensorSpec([None, 3, None, None, 3], tf.uint8)]
  return tf.function(made.call, input_signature=signature)


def test_flow_is_where_a_pixel_has_gone_x_before_y(layer):
  vectors = layer(_moving()[np.newaxis])[0, :, 12:-12, 12:-12].numpy()
  np.testing.assert_allclose(vectors.mean((0, 1, 2)), [2, -1], atol=0.05)


def test_the_last_flow_is_repeated(layer):
  clip = _moving(seed=1)
  clip[2] = _texture(48, 48, seed=2)
  vectors = layer(clip[np.newaxis])[0].numpy()
  np.testing.assert_array_equal(vectors[2], vectors[1])
  assert not np.array_equal(vectors[1], vectors[0])


def test_flow_of_equal_frames_is_exactly_zero(layer):
  clip = np.repeat(_texture(41, 57)[np.newaxis, np.newaxis], 3, axis=1)
  assert not layer(clip).numpy().any()


def test_a_clips_flow_does_not_depend_on_its_batch(layer):
  clips = np.stack([_moving(seed=seed) for seed in range(3)])
  alone = [layer(clip[np.newaxis]) for clip in clips]
  np.testing.assert_array_equal(layer(clips), tf.concat(alone, 0))


def test_images_below_the_smallest_side_of_a_level_have_flow(layer):
  vectors = layer(_moving(side=12)[np.newaxis]).numpy()
  assert vectors.shape == (1, 3, 12, 12, 2)
  assert np.isfinite(vectors).all()


def test_gradients_are_finite_also_where_nothing_moves():
  clips = tf.constant(np.stack([_moving(2, 24), np.repeat(_moving(1, 24), 2, 0)]), tf.float32)
  with tf.GradientTape() as tape:
    tape.watch(clips)
    loss = tf.reduce_sum(optical_flow.OpticalFlow()(clips) ** 2 + clips[..., :2])
  gradient = tape.gradient(loss, clips).numpy()
  assert np.isfinite(gradient).all()
  assert np.abs(gradient[0]).max() > 1e-3


def test_compiles_at_static_sizes(layer):
  clips = _moving()[np.newaxis]
  made = optical_flow.OpticalFlow()
  compiled = tf.function(
    made.call, input_signature=[tf.TensorSpec(clips.shape, tf.uint8)], jit_compile=True
  )
  np.testing.assert_allclose(compiled(clips), layer(clips), atol=0.02)


def test_consists_of_tensorflows_own_operations(layer):
  graph = layer.get_concrete_function().graph.as_graph_def()
  operations = {node.op for node in graph.node}
  operations |= {node.op for function in graph.library.function for node in function.node_def}
  assert "While" in operations
  assert not {name for name in operations if "PyFunc" in name or ">" in name}


def test_survives_saving_in_a_model(tmp_path):
  frames = tf.keras.Input([2, 32, 32, 3], dtype=tf.uint8)
  model = tf.keras.Model(frames, optical_flow.OpticalFlow()(frames))
  model.save(tmp_path / "model.keras")
  clips = _moving(2, 32)[np.newaxis]
  loaded = tf.keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_array_equal(loaded(clips), model(clips))


def test_one_frame_has_no_flow():
  with pytest.raises(ValueError, match=r"at least two frames, .* got \(2, 1, 8, 8, 3\)"):
    optical_flow.OpticalFlow()(tf.zeros([2, 1, 8, 8, 3]))


def test_is_accurate_on_rubber_whale(shared_data):
  first, second, truth = true_flow.rubber_whale(shared_data)
  assert true_flow.error(_flow(first, second), truth) <= 0.21


def test_follows_large_motion(shared_data):
  pairs = true_flow.flying_chairs(shared_data)
  errors = [true_flow.error(_flow(first, second), truth) for first, second, truth in pairs]
  assert np.mean(errors) <= 3.8


def _frames_of(video: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
  """Two grey frames from a video's middle, 0.1 s apart, of 128 pixels height."""
  with av.open(str(video)) as container:
    frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
  middle = len(frames) // 2
  width, height = stored_images.short_side_size(*frames[0].shape[::-1], 128)
  return tuple(stored_images.resized(frames[i], width, height) for i in (middle, middle + 3))


def test_is_close_to_flow_of_data_preparation_on_real_frames(shared_data):
  videos = sorted((shared_data / "ut_interaction").rglob("*.avi"))[::6]
  assert len(videos) == 20
  stored, distances = tvl1.FlowComputer("fast"), []
  for first, second in map(_frames_of, videos):
    difference = _flow(first, second) - stored(first, second)
    distances.append(np.linalg.norm(difference, axis=2).mean())
  assert np.mean(distances) <= 0.12
