"""Networks with a dense head, of random architectures: cost, shape, gradients, files."""

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import cost
from official.architecture import dense_cost
from official.architecture import random_generation
from official.architecture import space

# Space, output, and a size that the strides divide or do not.
_CASES = (
  ("restoration", dense_cost.Dense(channels=3, scale=2), (6, 8)),
  ("segmentation", dense_cost.Dense(channels=5), (9, 7)),
)


def _clip(dense: dense_cost.Dense, size: tuple[int, int]) -> cost.Clip:
  return cost.Clip(
    streams={"rgb": 3, "flow": 2},
    num_frames=3,
    height=size[0],
    width=size[1],
    num_classes=0,
    dense=dense,
  )


def _build(architecture, clip: cost.Clip) -> tf.keras.Model:
  tf.keras.utils.set_random_seed(1)
  return network.build_network(
    architecture,
    streams=clip.streams,
    num_frames=clip.num_frames,
    height=clip.height,
    width=clip.width,
    dense=clip.dense,
  )


@pytest.fixture(scope="module", params=_CASES, ids=lambda case: case[0])
def made(request):
  name, dense, size = request.param
  drawn = random_generation.random_architecture(space.load_space(name), np.random.default_rng(2))
  clip = _clip(dense, size)
  return drawn, clip, _build(drawn, clip)


def _inputs(architecture, clip):
  rng = np.random.default_rng(0)
  return {
    name: tf.constant(
      rng.normal(size=[1, clip.num_frames, clip.height, clip.width, clip.streams[name]]),
      tf.float32,
    )
    for name in architecture.streams
  }


def test_parameters_are_exact(made):
  architecture, clip, model = made
  assert model.count_params() == (
    cost.parameters(architecture, clip.streams, clip.num_classes, clip.dense)
    + cost.non_trainable_parameters(architecture, clip.streams)
  )
  assert sum(row.params for row in cost.table(architecture, clip)) == cost.parameters(
    architecture, clip.streams, 0, clip.dense
  )


def test_float_operations_are_those_of_the_profiler(made):
  architecture, clip, model = made
  specs = {name: tf.TensorSpec(one.shape) for name, one in _inputs(architecture, clip).items()}
  forward = tf.function(lambda clips: model(clips, training=False)).get_concrete_function(specs)
  profiler = tf.compat.v1.profiler
  options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
  options = options.with_accounted_types(["Conv2D", "Conv3D", "MatMul"]).with_empty_output()
  counted = profiler.profile(forward.graph, options=options.build()).total_float_ops
  assert counted == pytest.approx(cost.flops(architecture, clip), rel=0.01)


def test_the_output_is_float32_of_the_declared_shape(made):
  architecture, clip, model = made
  assert model.output_shape == (None, *clip.output)
  answer = model(_inputs(architecture, clip))
  assert (answer.shape, answer.dtype) == ((1, *clip.output), tf.float32)


def test_every_variable_has_a_gradient(made):
  architecture, clip, model = made
  rng = np.random.default_rng(0)
  for variable in model.trainable_variables:
    variable.assign(rng.uniform(0.05, 0.4, size=variable.shape))
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(model(_inputs(architecture, clip), training=True) - 1))
  for variable, gradient in zip(
    model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
  ):
    assert gradient is not None and np.isfinite(gradient).all(), variable.name


def test_what_the_head_leans_on_is_told_by_block(made):
  architecture, _, model = made
  weights = network.head_weights(model)
  assert list(weights) == [block.id for block in architecture.blocks]
  assert all(0 < weight < 1 for weight in weights.values())


def test_a_saved_network_gives_the_same_values(made, tmp_path):
  architecture, clip, model = made
  model.save(tmp_path / "model.keras")
  loaded = tf.keras.models.load_model(tmp_path / "model.keras")
  clips = _inputs(architecture, clip)
  np.testing.assert_array_equal(loaded(clips), model(clips))


@pytest.mark.parametrize("name", ["restoration", "segmentation"])
@pytest.mark.parametrize("seed", range(20))
def test_spaces_are_sized_for_a_laptop(name, seed):
  drawn = random_generation.random_architecture(space.load_space(name), np.random.default_rng(seed))
  clip = _clip(dense_cost.Dense(channels=3, scale=2 if name == "restoration" else 1), (48, 48))
  assert 20_000 < cost.parameters(drawn, clip.streams, 0, clip.dense) < 100_000
  assert max(drawn.stride(block.id) for block in drawn.blocks) <= 8
