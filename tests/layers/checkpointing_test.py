"""Gradient checkpointing of blocks."""

import numpy as np
import pytest
import tensorflow as tf

from official.layers import blocks
from official.layers import checkpointing

_CLIPS = np.random.default_rng(0).normal(size=[2, 4, 8, 8, 6]).astype(np.float32)


def _block(policy: str = "float32") -> blocks.Block:
  tf.keras.utils.set_random_seed(0)
  layer = blocks.get("basic_2plus1d")(5, modules=2, dtype=policy, momentum=0.5)
  layer.build(_CLIPS.shape)
  for variable in layer.trainable_variables:  # The last gamma of a module starts at zero.
    if "gamma" in variable.name:
      variable.assign(tf.ones_like(variable))
  return layer


def _gradients(layer: blocks.Block, wanted: bool) -> list[tf.Tensor]:
  """Returns those of the clips and of the variables, computed in a graph."""

  @tf.function
  def compute(clips):
    with tf.GradientTape() as tape, checkpointing.blocks(wanted):
      tape.watch(clips)
      loss = tf.reduce_sum(tf.square(layer(clips, training=True)))
    return tape.gradient(loss, [clips, *layer.trainable_variables])

  return compute(tf.constant(_CLIPS))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_gradients_and_moving_statistics_are_those_of_plain_training(policy):
  plain, checkpointed = _block(policy), _block(policy)
  for one, other in zip(_gradients(plain, False), _gradients(checkpointed, True), strict=True):
    np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-4 * np.abs(one).max())
  for one, other in zip(
    plain.non_trainable_variables, checkpointed.non_trainable_variables, strict=True
  ):
    np.testing.assert_allclose(other, one, rtol=1e-4)


def test_blocks_that_do_not_depend_on_each_other_are_computed_again_one_after_the_other():
  times = []

  def double(clips):
    times.append(checkpointing.is_again())
    return 2.0 * clips

  @tf.function
  def compute(clips):
    with tf.GradientTape() as tape, checkpointing.blocks():
      tape.watch(clips)
      loss = checkpointing.run(double, clips) + checkpointing.run(double, clips)
    return tape.gradient(loss, clips)

  graph = compute.get_concrete_function(tf.TensorSpec([3])).graph
  waiting = [
    operation
    for operation in graph.get_operations()
    if operation.type == "Identity" and operation.control_inputs
  ]
  assert times == [False, False, True, True] and len(waiting) == 1
  np.testing.assert_array_equal(compute(tf.ones([3])), 4 * np.ones(3))


def test_outside_of_a_checkpointed_call_a_block_is_computed_once():
  times = []

  def double(clips):
    times.append(checkpointing.is_again())
    return 2.0 * clips

  clips = tf.ones([3])
  with tf.GradientTape() as tape:
    tape.watch(clips)
    with checkpointing.blocks(), checkpointing.blocks(False):
      result = checkpointing.run(double, clips)
  tape.gradient(result, clips)
  assert times == [False]
