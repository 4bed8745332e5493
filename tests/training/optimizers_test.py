"""Optimizers: schedules, decay, and the momentum of batch normalization."""

from official.modeling import optimization
import pytest
import tensorflow as tf

from official.training import config
from official.training import optimizers


def _training(train_steps=200, **changes) -> config.Training:
  return config.of(train_steps=train_steps, batch_size=4, **changes)


def _factory(**changes) -> optimization.OptimizerFactory:
  return optimization.OptimizerFactory(optimizers.optimization_config(_training(**changes)))


@pytest.mark.parametrize(
  "steps, momentum", [(10, 0.5), (40, 0.75), (200, 0.95), (1000, 0.99), (50_000, 0.99)]
)
def test_batch_norm_remembers_a_tenth_of_the_training(steps, momentum):
  assert _training(steps).schedule.batch_norm_momentum == pytest.approx(momentum)


def test_the_learning_rate_rises_for_a_twentieth_and_falls_to_0():
  rate = _factory().build_learning_rate()
  assert [round(float(rate(step)), 4) for step in (0, 5, 10, 105, 200)] == [
    0,
    0.0497,
    0.0994,
    0.0461,
    0,
  ]


@pytest.mark.parametrize("optimizer, expected", [("sgd", 1e-4), ("adamw", 0)])
def test_weight_decay_is_in_the_loss_unless_the_optimizer_decays(optimizer, expected):
  assert _training(optimizer=optimizer).optimizer.l2_weight_decay == expected


def test_adamw_decays_kernels_alone():
  factory = _factory(optimizer="adamw", weight_decay=0.1)
  optimizer = factory.build_optimizer(1e-3)
  names = ("block/conv/kernel:0", "block/bn/gamma:0", "combine/connection_weights:0", "head/bias:0")
  assert [optimizer._do_use_weight_decay(name) for name in names] == [True, False, False, False]


def test_sgd_is_nesterov_s():
  optimizer = _factory().build_optimizer(0.1)
  assert isinstance(optimizer, tf.keras.optimizers.legacy.SGD)
  assert optimizer.get_config()["nesterov"] and optimizer.get_config()["momentum"] == 0.9


@pytest.mark.parametrize(
  "optimizer, asked, norm",
  [("sgd", None, None), ("sgd", 3.0, 3.0), ("adamw", None, 1.0), ("adamw", 3.0, 3.0)],
)
def test_the_norm_of_all_gradients_is_bounded(optimizer, asked, norm):
  factory = _factory(optimizer=optimizer, gradient_clip_norm=asked)
  assert factory.build_optimizer(0.1).global_clipnorm == norm


def test_the_warm_up_is_a_share_of_the_steps():
  rate = _factory(warmup_fraction=0.25).build_learning_rate()
  rates = [float(rate(step)) for step in range(200)]
  assert rates.index(max(rates)) == 50


def test_an_average_takes_in_the_statistics_of_batch_normalisation():
  optimizer = _factory(ema_decay=0.9).build_optimizer(0.1)
  assert isinstance(optimizer, optimization.ExponentialMovingAverage)
  model = tf.keras.Sequential([tf.keras.layers.BatchNormalization(input_shape=[3])])
  optimizer.shadow_copy(model)
  assert len(optimizer._average_weights) == len(model.variables) == 4


def test_with_restarts_every_segment_has_the_rate_of_a_training_of_its_length():
  schedule = dict(restart_steps="22,66", warmup_fraction=0.1)
  rate = _factory(**schedule).build_learning_rate()
  for start, steps in ((0, 22), (22, 44), (66, 134)):
    alone = _factory(train_steps=steps, warmup_fraction=0.1).build_learning_rate()
    expected = [float(alone(step)) for step in range(steps)]
    assert [float(rate(start + step)) for step in range(steps)] == expected
  assert float(rate(200)) == 0


def test_batch_norm_remembers_a_tenth_of_the_steps_that_it_is_fitted_to():
  assert _training(200, batch_norm_steps=40).schedule.batch_norm_momentum == pytest.approx(0.75)
