"""What networks take of a batch, made where the step runs."""

import numpy as np
import pytest
import tensorflow as tf

from official.inputs import clip_values


def _for_network(values) -> np.ndarray:
  return clip_values.for_network({"stream": tf.constant(values)})["stream"].numpy()


def test_grey_levels_become_numbers_from_minus_1_to_1():
  made = _for_network(np.array([0, 51, 255], np.uint8))
  assert (made.dtype, made.tolist()) == (np.float32, pytest.approx([-1, -0.6, 1]))


def test_flow_keeps_its_pixels():
  made = _for_network(np.array([-2.5, 0, 19.84375], np.float16))
  assert (made.dtype, made.tolist()) == (np.float32, [-2.5, 0, 19.84375])


def test_what_is_float32_already_stays_as_it_is():
  assert _for_network(np.array([0.25, 100], np.float32)).tolist() == [0.25, 100]
