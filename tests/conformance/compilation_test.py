"""The whole training step of every block kind and head compiles with XLA, as TPUs need it."""

import numpy as np
import pytest
import small_networks
import tensorflow as tf


@pytest.mark.slow
@pytest.mark.parametrize("pair", small_networks.PAIRS, ids="-".join)
def test_the_train_step_compiles_whole_and_computes_the_same(pair):
  losses = []
  for jit_compile in (False, True):
    model = small_networks.build(*pair)
    optimizer = tf.keras.optimizers.SGD(0.05, momentum=0.9)
    optimizer.build(model.trainable_variables)
    step = tf.function(small_networks.step(model, optimizer, 2), jit_compile=jit_compile)
    inputs, classes = small_networks.clips(2), small_networks.labels(2)
    losses.append([float(step(inputs, classes)) for _ in range(2)])
  np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
