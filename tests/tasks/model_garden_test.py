"""Architectures as backbones of Model Garden."""

import json

import numpy as np
from official.vision.configs import common
from official.vision.modeling.backbones import factory
import pytest
import tensorflow as tf

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.tasks import model_garden


def _config(stream: str = "rgb") -> model_garden.Backbone3D:
  stem = Block(
    id="stem_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(stream,)
  )
  blocks = [
    Block(id=f"level1_{index}", level=1, kind="basic_2plus1d", channels=8 * (index + 1),
          spatial_stride=index + 1)
    for index in range(2)
  ]
  architecture = Architecture(
    (stem, *blocks), tuple(Connection("stem_0", block.id) for block in blocks)
  )
  text = json.dumps(serialization.to_json(architecture))
  return model_garden.Backbone3D(evolved=model_garden.Evolved(architecture=text))


def _build(config: model_garden.Backbone3D, shape=(None, 4, 16, 16, 3), **kwargs):
  return factory.build_backbone(
    tf.keras.layers.InputSpec(shape=shape), config, common.NormActivation(norm_momentum=0.9),
    **kwargs,
  )


def test_the_endpoints_are_the_last_blocks():
  outputs = _build(_config())(tf.zeros([2, 4, 16, 16, 3]))
  assert {name: tuple(value.shape) for name, value in outputs.items()} == {
    "level1_0": (2, 4, 8, 8, 8), "level1_1": (2, 4, 4, 4, 16)}


def test_the_regularizer_is_of_kernels_alone():
  plain = _build(_config())
  assert plain.losses == []
  backbone = _build(_config(), l2_regularizer=tf.keras.regularizers.l2(0.5))
  kernels = [v for v in backbone.trainable_variables if "kernel" in v.name]
  assert 0 < len(kernels) < len(backbone.trainable_variables)
  np.testing.assert_allclose(
    sum(float(loss) for loss in backbone.losses),
    sum(0.5 * float(tf.reduce_sum(kernel**2)) for kernel in kernels), rtol=1e-5)


@pytest.mark.parametrize("shape, stream, message", [
  ((None, None, 16, 16, 3), "rgb", "give train_data and validation_data the same feature_shape"),
  ((None, 4, 16, 16, 3), "flow", "reads flow, and the input here is images alone; give --exp"),
])
def test_what_model_garden_s_input_does_not_have_is_refused(shape, stream, message):
  with pytest.raises(ValueError, match=message):
    _build(_config(stream), shape)
