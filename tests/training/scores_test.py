"""Scores without training, of a network of two layers, against NumPy.

The network is a 1x1 convolution k [2, 3], batch normalization, ReLU, and a head w [3, 2]:

    logits = relu(norm(x k)) w
"""

import math

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official.layers import residual
from official.layers import spatial
from official.training import scores

_EPSILON = 1e-5


@pytest.fixture
def model() -> tf.keras.Model:
  clip = tf.keras.Input([1, 1, 1, 2], name="rgb")
  convolution = spatial.SpatialConv(3, 1, name="convolution")
  unit = residual.NormalizedConv(convolution, epsilon=_EPSILON, zero_gamma=True, name="unit")
  made = tf.keras.Model({"rgb": clip}, layers.Head(2, name="head")(unit(clip)))
  rng = np.random.default_rng(0)
  for variable in _kernels(made):
    variable.assign(rng.normal(size=variable.shape))
  return made


@pytest.fixture
def batch() -> tuple[dict, dict]:
  rng = np.random.default_rng(1)
  clips = {"rgb": tf.constant(rng.normal(size=[6, 1, 1, 1, 2]), tf.float32)}
  return clips, {"factor": tf.constant(rng.normal(size=[6, 2]), tf.float32)}


def _kernels(model: tf.keras.Model) -> list[tf.Variable]:
  return [variable for variable in model.variables if "kernel" in variable.name]


def _arrays(model: tf.keras.Model) -> tuple[np.ndarray, np.ndarray]:
  k, w = (variable.numpy().astype(np.float64) for variable in _kernels(model))
  return k.reshape(2, 3), w


def _loss(labels, logits) -> tf.Tensor:
  return tf.reduce_sum(labels["factor"] * logits)


def _activations(x: np.ndarray, k: np.ndarray) -> np.ndarray:
  z = x @ k
  return np.maximum((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + _EPSILON), 0)


def _slope(function, array: np.ndarray) -> np.ndarray:
  slopes = np.zeros_like(array)
  for at in np.ndindex(array.shape):
    step = np.zeros_like(array)
    step[at] = 1e-6
    slopes[at] = (function(array + step) - function(array - step)) / 2e-6
  return slopes


def test_scores_of_the_gradient_are_those_of_differences(model, batch):
  clips, labels = batch
  (k, w), x, factor = _arrays(model), clips["rgb"].numpy().reshape(6, 2), labels["factor"].numpy()

  def loss(k, w):
    return float((_activations(x, k) @ w * factor).sum())

  of_k, of_w = _slope(lambda k: loss(k, w), k), _slope(lambda w: loss(k, w), w)
  found = scores.of_model(model, _loss, clips, labels, ("gradient_norm", "snip"))
  assert found == {
    "gradient_norm": pytest.approx(np.linalg.norm(of_k) + np.linalg.norm(of_w), rel=1e-3),
    "snip": pytest.approx(np.abs(k * of_k).sum() + np.abs(w * of_w).sum(), rel=1e-3),
  }


def test_naswot_counts_the_activations_on_which_clips_agree(model, batch):
  k = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
  _kernels(model)[0].assign(k.reshape(_kernels(model)[0].shape))
  x = np.array([[2.0, 1.0], [-2.0, 1.0], [-0.5, -2.0]])
  clips = {"rgb": tf.constant(x.reshape(3, 1, 1, 1, 2), tf.float32)}
  # Above the mean of its unit are all three of the first clip, x1 of the second, and x0 - x1 of the
  # third: any two clips agree on one unit.
  kernel = np.ones((3, 3)) + 2 * np.eye(3)
  found = scores.of_model(model, _loss, clips, batch[1], ("naswot",))
  assert found == {"naswot": pytest.approx(math.log(np.linalg.det(kernel)), rel=1e-5)}


def test_clips_with_equal_activations_have_no_naswot(model, batch):
  clips, labels = batch
  twice = {"rgb": tf.repeat(clips["rgb"][:1], 6, axis=0)}
  assert scores.of_model(model, _loss, twice, labels, ("naswot",)) == {"naswot": None}


def test_synflow_is_the_flow_through_every_layer(model, batch):
  k, w = _arrays(model)
  flow = (np.abs(k) @ np.abs(w)).sum()  # Through the convolution, and again through the head.
  found = scores.of_model(model, _loss, *batch, ("synflow",))
  assert found == {"synflow": pytest.approx(math.log(2 * flow), rel=1e-5)}


def test_synflow_does_not_overflow(model):
  small = scores.synflow(model)
  for variable, factor in zip(_kernels(model), (1e25, 1e20), strict=True):
    variable.assign(variable * factor)
  assert scores.synflow(model) == pytest.approx(small + math.log(1e45), rel=1e-5)


def test_batch_normalization_is_back_after_synflow(model, batch):
  before = model(batch[0], training=False).numpy()
  kernels = [variable.numpy() for variable in _kernels(model)]
  scores.synflow(model)
  for variable, values in zip(_kernels(model), kernels, strict=True):
    variable.assign(values)
  assert model(batch[0], training=False).numpy().tolist() == before.tolist()


def test_scores_are_sorted_by_name_and_repeatable(model, batch):
  kernels = [variable.numpy() for variable in _kernels(model)]
  first = scores.of_model(model, _loss, *batch)
  for variable, values in zip(_kernels(model), kernels, strict=True):
    variable.assign(values)
  assert scores.of_model(model, _loss, *batch) == first
  assert tuple(first) == scores.SCORES
