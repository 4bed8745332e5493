"""Random architectures of every block kind: cost, shape, gradients, files.

20 of them, for time; RANDOM_ARCHITECTURES=100 in the environment has as many as you like.
"""

import os

import numpy as np
import pytest
import small_networks
import tensorflow as tf

from official import network
from official.architecture import cost
from official.architecture import random_generation
from official.architecture import space

_CLIP = cost.Clip(streams=small_networks.STREAMS, num_frames=5, height=18, width=16, num_classes=6)
_LEVEL = {
  "kinds": list(small_networks.KINDS),
  "blocks": 1,
  "channels": [4, 8],
  "min_channels": 2,
  "modules": 2,
  "spatial_strides": [1, 2],
  "intermediate_channels": 6,
}
_JOINT = {
  "kind": "stem_2plus1d",
  "streams": ["rgb", "flow"],
  "channels": 6,
  "spatial_stride": 2,
}
_FLOW = {"kind": "stem_2d", "streams": ["flow"], "channels": 8, "spatial_stride": 4}
_SPACE = space.SearchSpace.from_json(
  {
    "name": "all_kinds",
    "stems": [[_JOINT], [_JOINT, _FLOW], [_FLOW]],
    "levels": [_LEVEL, {**_LEVEL, "modules": 1}],
    "temporal_dilations": [1, 2, 4],
    "initial_splits": [0, 1],
    "min_depth": 2,
  }
)


@pytest.fixture(scope="module", params=range(int(os.environ.get("RANDOM_ARCHITECTURES", "20"))))
def architecture(request):
  return random_generation.random_architecture(_SPACE, np.random.default_rng(request.param))


@pytest.fixture(scope="module")
def model(architecture) -> tf.keras.Model:
  tf.keras.utils.set_random_seed(1)
  return network.build_network(
    architecture,
    streams=_CLIP.streams,
    num_frames=_CLIP.num_frames,
    height=_CLIP.height,
    width=_CLIP.width,
    num_classes=_CLIP.num_classes,
  )


@pytest.fixture(scope="module")
def forward(architecture, model):
  shape = [_CLIP.num_frames, _CLIP.height, _CLIP.width]
  clips = {
    name: tf.TensorSpec([1, *shape, _CLIP.streams[name]], name=name)
    for name in architecture.streams
  }
  return tf.function(lambda clips: model(clips, training=False)).get_concrete_function(clips)


@pytest.mark.slow
def test_parameters_are_exact(architecture, model):
  assert model.count_params() == (
    cost.parameters(architecture, _CLIP.streams, _CLIP.num_classes)
    + cost.non_trainable_parameters(architecture, _CLIP.streams)
  )


@pytest.mark.slow
def test_float_operations_are_those_of_the_profiler(architecture, forward):
  profiler = tf.compat.v1.profiler
  options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
  options = options.with_accounted_types(["Conv2D", "Conv3D", "MatMul"]).with_empty_output()
  counted = profiler.profile(forward.graph, options=options.build()).total_float_ops
  assert counted == pytest.approx(cost.flops(architecture, _CLIP), rel=0.01)


@pytest.mark.slow
def test_logits_have_a_gradient_for_every_variable(architecture, model, forward):
  rng = np.random.default_rng(0)
  for variable in model.trainable_variables:  # The last gamma of a module starts at zero.
    variable.assign(rng.uniform(0.2, 0.6, size=variable.shape))
  clips = {
    spec.name: tf.constant(rng.normal(size=spec.shape), tf.float32)
    for spec in forward.structured_input_signature[0][0].values()
  }
  with tf.GradientTape() as tape:
    logits = model(clips, training=False)
  assert logits.shape == (1, _CLIP.num_classes)
  gradients = tape.gradient(logits, model.trainable_variables)
  assert all(np.any(gradient) and np.all(np.isfinite(gradient)) for gradient in gradients)


@pytest.mark.slow
def test_a_saved_network_gives_the_same_logits(model, forward, tmp_path):
  clips = {
    spec.name: tf.ones(spec.shape) for spec in forward.structured_input_signature[0][0].values()
  }
  model.save(tmp_path / "model.keras")
  loaded = tf.keras.models.load_model(tmp_path / "model.keras")
  np.testing.assert_array_equal(loaded(clips), model(clips))
