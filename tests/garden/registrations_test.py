"""Architectures as backbones of Model Garden."""

import json

import numpy as np
from official.vision.configs import common
from official.vision.modeling.backbones import factory
import pytest
import tensorflow as tf

from data_prep.common import cli
from official import network
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.garden import registrations


def _config(stream: str = "rgb") -> registrations.Backbone3D:
  stem = Block(
    id="stem_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(stream,)
  )
  blocks = [
    Block(
      id=f"level1_{index}",
      level=1,
      kind="basic_2plus1d",
      channels=8 * (index + 1),
      spatial_stride=index + 1,
    )
    for index in range(2)
  ]
  architecture = Architecture(
    (stem, *blocks), tuple(Connection("stem_0", block.id) for block in blocks)
  )
  text = json.dumps(serialization.to_json(architecture))
  return registrations.Backbone3D(evolved=registrations.Evolved(architecture=text))


def _build(config: registrations.Backbone3D, shape=(None, 4, 16, 16, 3), **kwargs):
  return factory.build_backbone(
    tf.keras.layers.InputSpec(shape=shape),
    config,
    common.NormActivation(norm_momentum=0.9),
    **kwargs,
  )


def test_the_endpoints_are_the_last_blocks():
  outputs = _build(_config())(tf.zeros([2, 4, 16, 16, 3]))
  assert {name: tuple(value.shape) for name, value in outputs.items()} == {
    "level1_0": (2, 4, 8, 8, 8),
    "level1_1": (2, 4, 4, 4, 16),
  }


def test_the_regularizer_is_of_kernels_alone():
  plain = _build(_config())
  assert plain.losses == []
  backbone = _build(_config(), l2_regularizer=tf.keras.regularizers.l2(0.5))
  kernels = [v for v in backbone.trainable_variables if "kernel" in v.name]
  assert 0 < len(kernels) < len(backbone.trainable_variables)
  np.testing.assert_allclose(
    sum(float(loss) for loss in backbone.losses),
    sum(0.5 * float(tf.reduce_sum(kernel**2)) for kernel in kernels),
    rtol=1e-5,
  )


@pytest.mark.parametrize(
  "shape, stream, message",
  [
    ((None, None, 16, 16, 3), "rgb", "give train_data and validation_data the same feature_shape"),
    ((None, 4, 16, 16, 3), "flow", "reads flow, and the input here is images alone; give --exp"),
  ],
)
def test_what_model_garden_s_input_does_not_have_is_refused(shape, stream, message):
  with pytest.raises(ValueError, match=message):
    _build(_config(stream), shape)


def _norm_activation(**settings) -> tf.keras.Model:
  return factory.build_backbone(
    tf.keras.layers.InputSpec(shape=(None, 4, 16, 16, 3)),
    _config(),
    common.NormActivation(**settings),
  )


def test_norm_activation_holds():
  backbone = _norm_activation(
    activation="swish", norm_momentum=0.75, norm_epsilon=0.125, use_sync_bn=False
  )
  norms = [
    layer for layer in backbone.submodules if isinstance(layer, tf.keras.layers.BatchNormalization)
  ]
  assert {(norm.momentum, norm.epsilon, norm.synchronized) for norm in norms} == {
    (0.75, 0.125, False)
  }
  assert {backbone.get_layer(name).activation for name in ("block_stem_0", "block_level1_0")} == {
    "swish"
  }


def test_an_activation_that_keras_does_not_know_is_refused():
  with pytest.raises(
    cli.UserError,
    match="^norm_activation.activation is 'mega', which Keras does"
    " not know; give one of its names, such as relu or swish$",
  ):
    _norm_activation(activation="mega")


def test_the_experiment_has_our_epsilon_unless_it_is_given():
  model = registrations.evolved_rgb().task.model
  assert (model.norm_activation.norm_epsilon, model.norm_activation.activation) == (1e-5, "relu")


def _structure(weights) -> str:
  rows = [
    [-1, 4],
    [0, [0], 8, 1, 1, 0],
    [0, [0], 8, 1, 1, 0],
    [1, [1, 2], 8, 1, 2, 0],
    [2, [3], 8, 1, 2, 0],
    [3, [4], 8, 1, 2, 0],
  ]
  return json.dumps({"depth": 26, "structure": rows, "weights": weights})


@pytest.mark.parametrize("freeze", [False, True])
def test_the_source_s_connection_weights_are_where_a_network_begins(freeze):
  text = _structure([[], [], [], [[0.25, 1]], [], []])
  config = registrations.Backbone3D(
    evolved=registrations.Evolved(architecture=text, freeze_connection_weights=freeze)
  )
  backbone = _build(config, (None, 2, 32, 32, 3))
  weights = network.connection_weights(backbone)
  assert weights["node_1", "node_3"] == pytest.approx(0.25)
  assert weights["node_2", "node_3"] == 1.0
  trained = [v for v in backbone.trainable_variables if "connection_weights" in v.name]
  assert len(trained) == (0 if freeze else 5)


def test_weights_that_are_not_there_cannot_be_frozen():
  config = registrations.Backbone3D(
    evolved=registrations.Evolved(architecture=_structure([[]] * 6), freeze_connection_weights=True)
  )
  with pytest.raises(cli.UserError, match="without weights of 2 of its connections .of node_1->"):
    _build(config, (None, 2, 32, 32, 3))
