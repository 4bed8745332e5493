"""The values of a batch are converted where the step runs."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import StreamInfo
from official.inputs import clip_values

FLOW = StreamInfo(kind="flow", channels=2, feature="flow", format="png", bound=20.0)


def _for_network(values) -> np.ndarray:
  return clip_values.for_network({"stream": tf.constant(values)})["stream"].numpy()


def test_grey_levels_become_numbers_from_minus_1_to_1():
  made = _for_network(np.array([0, 51, 255], np.uint8))
  assert (made.dtype, made.tolist()) == (np.float32, pytest.approx([-1, -0.6, 1]))


@pytest.mark.parametrize("rank", [5, 6])
def test_stored_flow_becomes_pixels_of_its_own_dataset(rank):
  stored = np.uint8([0, 120, 128, 255]).reshape([1] * (rank - 2) + [2, 2]).repeat(2, 0)
  ((name, step),) = clip_values.beside("stream", FLOW, resized=False).items()
  assert name == "stream/step"
  made = clip_values.for_network(
    {"stream": tf.constant(stored), name: tf.constant([step, 2 * step], tf.float32)}
  )
  assert list(made) == ["stream"]
  one, other = made["stream"].numpy()
  assert (one.dtype, one.shape) == (np.float32, stored.shape[1:])
  np.testing.assert_array_equal(one, flow_kind.to_pixels(stored[0], FLOW.bound))
  np.testing.assert_array_equal(other, 2 * one)


def test_flow_keeps_its_pixels():
  made = _for_network(np.array([-2.5, 0, 19.84375], np.float16))
  assert (made.dtype, made.tolist()) == (np.float32, [-2.5, 0, 19.84375])


def test_what_is_float32_already_stays_as_it_is():
  assert _for_network(np.array([0.25, 100], np.float32)).tolist() == [0.25, 100]
