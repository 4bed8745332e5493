"""Every block kind, in a small network, through one suite; every head goes with one of them.

One network a kind is built and shared; what it is trained or loaded into is built apart.
"""

import numpy as np
import pytest
import small_networks
import tensorflow as tf

from official import network
from official.architecture import cost
from official.architecture import kinds
from official.layers import blocks
from official.layers import checkpointing
from official.layers import head

_CLASSES = small_networks.CLASSES


def _architecture(kind: str):
  return small_networks.architecture(kind, kind)


def _build(kind: str) -> tf.keras.Model:
  number = small_networks.KINDS.index(kind)
  return small_networks.build(kind, kind, head.POOLINGS[number % len(head.POOLINGS)])


def _clips(batch: int = 2) -> dict[str, np.ndarray]:
  return small_networks.clips(batch)


def _randomize(model: tf.keras.Model) -> None:
  """Gives every variable a value of its own, gammas that start at zero included."""
  rng = np.random.default_rng(2)
  for variable in model.variables:
    spread = rng.uniform(0.1, 0.5, size=variable.shape)
    positive = "variance" in variable.name or "gamma" in variable.name
    variable.assign(spread + 0.5 if positive else variable + spread - 0.3)


@pytest.fixture(scope="module", params=small_networks.KINDS)
def kind(request) -> str:
  return request.param


@pytest.fixture(scope="module")
def model(kind) -> tf.keras.Model:
  result = _build(kind)
  _randomize(result)
  return result


@pytest.fixture(scope="module")
def logits(model) -> np.ndarray:
  return model(_clips(), training=False).numpy()


def test_every_kind_has_a_layer():
  assert set(kinds.names()) <= set(blocks.names())


def test_output_is_logits(logits):
  assert logits.shape == (2, _CLASSES) and logits.dtype == np.float32


def test_a_block_gives_the_channels_that_its_facts_say(kind, model):
  for block in _architecture(kind).blocks:
    assert model.get_layer(f"block_{block.id}").output_shape[-1] == kinds.output_channels(block)


def test_the_cost_model_counts_its_parameters(kind, model):
  architecture, streams = _architecture(kind), small_networks.STREAMS
  trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
  assert trainable == cost.parameters(architecture, streams, _CLASSES)
  assert model.count_params() == trainable + cost.non_trainable_parameters(architecture, streams)


def test_gradient_reaches_every_variable(kind):
  model = _build(kind)
  _randomize(model)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(
      model(_clips(), training=True) * np.arange(1.0, 1 + _CLASSES, dtype=np.float32)
    )
  variables = model.trainable_variables
  assert sum("connection_weights" in variable.name for variable in variables) == 2
  for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
    assert (
      gradient is not None and np.all(np.isfinite(gradient)) and np.any(np.abs(gradient) > 1e-7)
    ), variable.name


def test_gradient_checkpointing_changes_neither_gradients_nor_statistics(kind):
  found = []
  for wanted in (False, True):
    model = _build(kind)
    _randomize(model)
    with tf.GradientTape() as tape, checkpointing.blocks(wanted):
      loss = tf.reduce_sum(tf.square(model(_clips(), training=True)))
    found.append([*tape.gradient(loss, model.trainable_variables), *model.non_trainable_variables])
  for plain, checkpointed in zip(*found, strict=True):
    np.testing.assert_allclose(
      checkpointed, plain, rtol=1e-3, atol=1e-5 * max(np.abs(plain).max(), 1)
    )


def test_config_round_trip(model):
  for layer in model.layers:
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


def test_checkpoint_round_trip_is_equal_to_the_bit(kind, model, logits, tmp_path):
  path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
  fresh = _build(kind)
  tf.train.Checkpoint(model=fresh).read(path).assert_consumed()
  np.testing.assert_array_equal(fresh(_clips(), training=False), logits)


def test_keras_file_round_trip_is_equal_to_the_bit(model, logits, tmp_path):
  model.save(tmp_path / "model.keras")
  loaded = tf.keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_array_equal(loaded(_clips(), training=False), logits)
  assert network.connection_weights(loaded) == network.connection_weights(model)


def test_saved_model_round_trip_is_equal_to_the_bit(model, logits, tmp_path):

  @tf.function(
    input_signature=[
      {
        name: tf.TensorSpec([None, *clips.shape[1:]], tf.float32, name=name)
        for name, clips in _clips().items()
      }
    ]
  )
  def serve(clips):
    return {"logits": model(clips, training=False)}

  tf.saved_model.save(model, str(tmp_path), signatures=serve)
  loaded = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
  served = loaded(**{name: tf.constant(clips) for name, clips in _clips().items()})["logits"]
  np.testing.assert_array_equal(served, serve(_clips())["logits"])
  # `logits` were computed layer by layer; the graph fuses some of them.
  np.testing.assert_allclose(served, logits, atol=1e-5)


def test_runs_under_mixed_bfloat16(kind, model, logits):
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    mixed = _build(kind)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  mixed.set_weights(model.get_weights())
  assert {variable.dtype for variable in mixed.variables} == {tf.float32}
  assert mixed.get_layer("block_b").output.dtype == tf.bfloat16
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(mixed(_clips(), training=True))
  assert all(
    np.all(np.isfinite(gradient)) for gradient in tape.gradient(loss, mixed.trainable_variables)
  )
  mixed.set_weights(model.get_weights())
  result = mixed(_clips(), training=False)
  assert result.dtype == tf.float32
  np.testing.assert_allclose(result, logits, atol=0.05 * np.abs(logits).max())


@pytest.fixture(scope="module")
def trained(kind):
  """A model and a function that initialises it again and returns the losses of that many steps."""
  model = _build(kind)
  optimizer = tf.keras.optimizers.SGD(0.05, momentum=0.9)
  optimizer.build(model.trainable_variables)
  step = tf.function(small_networks.step(model, optimizer, 8))
  start = [variable.numpy() for variable in (*model.variables, *optimizer.variables)]

  def train(steps: int) -> list[float]:
    for variable, value in zip((*model.variables, *optimizer.variables), start, strict=True):
      variable.assign(value)
    return [float(step(_clips(8), small_networks.labels(8))) for _ in range(steps)]

  return model, train


def test_forty_steps_reduce_the_loss_and_move_the_connection_weights(trained):
  model, train = trained
  train(0)
  before = network.connection_weights(model)
  losses = train(40)
  assert losses[-1] < 0.5 * losses[0]
  after = network.connection_weights(model)
  assert all(abs(after[connection] - before[connection]) > 1e-4 for connection in before)


def test_the_same_seed_gives_the_same_weights_after_five_steps(kind, trained):
  model, train = trained
  train(0)
  for one, other in zip(model.get_weights(), _build(kind).get_weights(), strict=True):
    np.testing.assert_array_equal(one, other)
  train(5)
  first = model.get_weights()
  train(5)
  for one, other in zip(first, model.get_weights(), strict=True):
    np.testing.assert_array_equal(one, other)
