"""Gates on connections: the gradient against the loss itself, and what the mean is over."""

import contextlib
import math

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official import network
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import clip_task
from official.training import connection_sensitivity

_CLASSES = 5
# Several inputs of one channel count, of two, and a single one.
_CONNECTIONS = (
  ("a", "mid"),
  ("a", "out"),
  ("b", "mid"),
  ("b", "other"),
  ("mid", "out"),
  ("other", "out"),
)


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
  """A network with statistics and connection weights that are not those of the start."""
  block = dict(kind="basic_2plus1d", spatial_stride=2)
  stem = dict(level=0, kind="stem_2plus1d", streams=("rgb",), channels=4, spatial_stride=2)
  architecture = Architecture(
    (
      Block(id="a", **stem),
      Block(id="b", **stem),
      Block(id="mid", level=1, channels=4, **block),
      Block(id="other", level=1, channels=6, **block),
      Block(id="out", level=2, channels=8, **block),
    ),
    tuple(Connection(*ends) for ends in _CONNECTIONS),
  )
  tf.keras.utils.set_random_seed(5)
  built = network.build_network(
    architecture,
    streams={"rgb": 3},
    num_frames=2,
    height=16,
    width=16,
    num_classes=_CLASSES,
    batch_norm_momentum=0.5,
  )
  for seed in range(4):
    built(_batch(seed)[0], training=True)
  rng = np.random.default_rng(1)
  for layer in built.layers:
    if layer.name.startswith("combine_"):
      layer.connection_weights.assign(rng.normal(size=len(layer.sources)))
  return built


@pytest.fixture(scope="module")
def task() -> clip_task.ClipTask:
  return clip_task.ClipTask(
    clip_task.ClipTaskConfig(
      model=clip_task.Network(num_classes=_CLASSES), task="classification", label_smoothing=0.1
    )
  )


def _batch(seed: int, weights=(1.0, 1.0, 1.0, 1.0)) -> tuple[dict, dict]:
  rng = np.random.default_rng(seed)
  clips = rng.normal(size=(len(weights), 2, 16, 16, 3)).astype(np.float32)
  labels = rng.integers(_CLASSES, size=len(weights)).astype(np.int32)
  return {"rgb": tf.constant(clips)}, {
    "label": tf.constant(labels),
    "weight": tf.constant(weights, tf.float32),
  }


def _of_videos(batch: tuple[dict, dict], clips: int = 1) -> tuple[dict, dict]:
  """The batch as evaluation has it, each clip `clips` times."""
  streams, labels = batch
  repeated = {name: tf.stack([values] * clips, axis=1) for name, values in streams.items()}
  return repeated, labels


def _without(position: int, step: float) -> tf.Tensor:
  gates = np.ones(len(_CONNECTIONS), np.float32)
  gates[position] += step
  return tf.constant(gates)


def test_the_gradient_is_that_of_finite_differences_of_the_loss(model, task):
  batch = _of_videos(_batch(7))
  gradient = connection_sensitivity.gradient(model, task, *batch).numpy()
  for position in range(len(_CONNECTIONS)):
    up, down = (
      float(connection_sensitivity.loss(model, task, *batch, _without(position, step)))
      for step in (0.003, -0.003)
    )
    # The loss has about 1e-7 of noise, and kinks that a wider step meets.
    assert gradient[position] == pytest.approx((up - down) / 0.006, rel=0.02, abs=5e-5)


def test_gates_of_one_leave_the_loss_as_it_is(model, task):
  streams, labels = _batch(7)
  gated = connection_sensitivity.loss(model, task, *_of_videos((streams, labels)), _without(0, 0.0))
  assert float(gated) == float(task.build_losses(labels, model(streams, training=False)))


def test_a_gate_of_zero_cuts_the_connection_of_its_name(model):
  streams, _ = _batch(7)
  with connection_sensitivity.gated(model, _without(_CONNECTIONS.index(("b", "other")), -1.0)):
    cut = model(streams, training=False)
  layer = model.get_layer("combine_other")
  kept = layer.connection_weights.numpy()
  layer.connection_weights.assign(np.full_like(kept, -np.inf))
  expected = model(streams, training=False)
  layer.connection_weights.assign(kept)
  np.testing.assert_array_equal(cut, expected)


def test_a_sensitivity_is_the_root_mean_square_of_the_gradient_over_batches(model, task):
  batches = [_of_videos(_batch(seed)) for seed in (7, 8, 9)]
  measured = connection_sensitivity.measure(model, task, batches)
  assert list(measured) == sorted(_CONNECTIONS)
  gradients = [connection_sensitivity.gradient(model, task, *batch).numpy() for batch in batches]
  expected = np.sqrt(np.mean(np.square(gradients), axis=0))
  np.testing.assert_allclose(list(measured.values()), expected, rtol=1e-4)


def test_padding_changes_nothing(model, task):
  whole = [_of_videos(_batch(7)), _of_videos(_batch(8, weights=(1.0, 1.0, 0.0, 0.0)))]
  streams, labels = _batch(8)
  short = ({"rgb": streams["rgb"][:2]}, {name: values[:2] for name, values in labels.items()})
  unpadded = [whole[0], _of_videos(short)]
  only_padding = _of_videos(_batch(9, weights=(0.0,) * 4))
  expected = connection_sensitivity.measure(model, task, unpadded)
  assert connection_sensitivity.measure(model, task, whole) == pytest.approx(expected, rel=1e-4)
  assert connection_sensitivity.measure(model, task, [*whole, only_padding]) == pytest.approx(
    expected, rel=1e-4
  )


def test_every_clip_of_a_video_counts(model, task):
  once, twice = ([_of_videos(_batch(7), clips)] for clips in (1, 2))
  assert connection_sensitivity.measure(model, task, twice) == pytest.approx(
    connection_sensitivity.measure(model, task, once), rel=1e-4
  )


def test_a_saturated_connection_has_a_sensitivity_though_its_weight_has_no_gradient(model, task):
  layer = model.get_layer("combine_mid")
  kept = layer.connection_weights.numpy()
  layer.connection_weights.assign([200.0, 200.0])
  measured = connection_sensitivity.measure(model, task, [_of_videos(_batch(7))])
  layer.connection_weights.assign(kept)
  assert measured["a", "mid"] > 1e-4


def test_the_network_is_the_same_afterwards_and_the_measurement_too(model, task):
  before = [variable.numpy() for variable in model.variables]
  config = model.to_json()
  first = connection_sensitivity.measure(model, task, [_of_videos(_batch(7))])
  assert connection_sensitivity.measure(model, task, [_of_videos(_batch(7))]) == first
  for variable, value in zip(model.variables, before, strict=True):
    np.testing.assert_array_equal(variable.numpy(), value)
  assert model.to_json() == config
  assert model.get_layer("combine_mid").gates is None


def test_a_gradient_that_is_not_finite_is_an_error(model, task):
  kernel = model.get_layer("head").trainable_variables[0]
  kept = kernel.numpy()
  kernel.assign(np.full_like(kept, math.nan))
  with pytest.raises(FloatingPointError, match="sensitivity of a->mid is nan"):
    connection_sensitivity.measure(model, task, [_of_videos(_batch(7))])
  kernel.assign(kept)


def test_unfused_normalization_gives_the_same_gradient(model, task, monkeypatch):
  """It is there for GPUs, which have no deterministic gradient of the fused one (batch_norm.py)."""
  batch = _of_videos(_batch(7))
  unfused = connection_sensitivity.gradient(model, task, *batch).numpy()
  monkeypatch.setattr(
    connection_sensitivity.batch_norm, "unfused", lambda model: contextlib.nullcontext()
  )
  fused = connection_sensitivity.gradient(model, task, *batch).numpy()
  np.testing.assert_allclose(unfused, fused, rtol=1e-4, atol=1e-6)
  assert np.abs(fused).max() > 1e-3


def test_normalization_is_fused_again_afterwards(model, task):
  norms = [module for module in model.submodules if isinstance(module, layers.BatchNorm)]
  assert norms
  connection_sensitivity.gradient(model, task, *_of_videos(_batch(7)))
  assert all(norm.fused for norm in norms)
