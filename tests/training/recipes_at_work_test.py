"""Recipes on the real trainer: averages, precision, frozen backbones."""

import contextlib
import io

import numpy as np
import pytest
import tensorflow as tf

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import config
from official.training import experiment

_STEM = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, spatial_stride=2)
_JSON = serialization.to_json(Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),)))


@pytest.fixture(scope="module")
def train(sample_dataset, tmp_path_factory):
  """Trains for 10 steps; returns the outcome and the folder."""
  cache = str(tmp_path_factory.mktemp("cache"))

  def run(folder=None, **how) -> tuple[experiment.Trained, str]:
    folder = folder or str(tmp_path_factory.mktemp("training"))
    settings = config.of(
      data_dir=sample_dataset,
      cache_dir=cache,
      num_frames=4,
      image_size=16,
      checkpoint_steps=10,
      train_steps=10,
      batch_size=4,
      learning_rate=0.05,
      **how,
    )
    with contextlib.redirect_stdout(io.StringIO()):
      trained = experiment.train(
        settings, _JSON, 3, folder, lambda *_, **__: None, sensitivities=True
      )
    return trained, folder

  return run


def _values(model: tf.keras.Model) -> list[np.ndarray]:
  return [variable.numpy() for variable in model.variables]


@pytest.fixture(scope="module")
def averaged(train):
  return train(ema_decay=0.9)


@pytest.fixture(scope="module")
def plain(train):
  return train()


@pytest.mark.parametrize("suffix", ["dense/kernel", "norm/moving_mean"])
def test_the_averaged_network_is_returned(averaged, suffix):
  """In a checkpoint an average stands beside its variable."""
  trained, folder = averaged
  reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(folder))
  name = next(
    name
    for name in sorted(reader.get_variable_to_shape_map())
    if f"{suffix}/.OPTIMIZER_SLOT/optimizer/average/" in name
  )
  average = reader.get_tensor(name)
  assert not np.allclose(
    average, reader.get_tensor(name.replace(".OPTIMIZER_SLOT/optimizer/average/", "")), rtol=1e-3
  )
  assert any(
    value.shape == average.shape and np.allclose(value, average, rtol=1e-4, atol=1e-6)
    for value in _values(trained.model)
  )


def test_what_is_evaluated_is_the_average_also_after_a_resume(averaged, train):
  again, _ = train(averaged[1], ema_decay=0.9)
  assert again.metrics == averaged[0].metrics
  for one, other in zip(_values(again.model), _values(averaged[0].model), strict=True):
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_training_of_mixed_precision_is_about_the_same(train, plain, precision):
  trained, _ = train(precision=precision)
  assert trained.metrics["validation"]["loss"] == pytest.approx(
    plain[0].metrics["validation"]["loss"], rel=0.02
  )
  block = trained.model.get_layer("block_level1_0")
  assert (block.compute_dtype, block.variables[0].dtype) == (precision, tf.float32)
  assert tf.keras.mixed_precision.global_policy().name == "float32"


def test_a_frozen_backbone_stays_what_it_was_and_the_head_learns(train, plain):
  trained, _ = train(init_checkpoint=plain[1], freeze_backbone=True)
  for layer in trained.model.layers:
    before = plain[0].model.get_layer(layer.name)
    same = all(
      np.array_equal(one, other) for one, other in zip(_values(layer), _values(before), strict=True)
    )
    assert same == (layer.name != "head"), layer.name
  assert len(trained.model.trainable_variables) == len(plain[0].model.trainable_variables)


def test_gradient_checkpointing_trains_the_same_network(train, plain):
  checkpointed, _ = train(gradient_checkpointing=True)
  for one, other in zip(_values(checkpointed.model), _values(plain[0].model), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
  assert checkpointed.sensitivities == pytest.approx(plain[0].sensitivities, rel=1e-2)
