import types

import pytest
import tensorflow as tf

from official.training import candidate_trainer
from official.training import latency


def network(*, of_several_outputs=False):
  """Returns a network of two streams, untrained."""
  rgb = tf.keras.Input((2, 4, 4, 3), name="rgb")
  flow = tf.keras.Input((2, 4, 4, 2), name="flow")
  pooled = tf.concat([tf.reduce_mean(each, [1, 2, 3]) for each in (rgb, flow)], -1)
  logits = tf.keras.layers.Dense(3)(pooled)
  outputs = {"a": logits, "b": -logits} if of_several_outputs else logits
  return tf.keras.Model({"rgb": rgb, "flow": flow}, outputs)


@pytest.fixture
def clock(monkeypatch):
  """A clock by which the n-th forward pass takes n milliseconds."""
  ticks = [0.0]
  for run in range(1, latency.WARM_UP + latency.RUNS + 1):
    ticks += [ticks[-1] + run / 1000, ticks[-1] + run / 1000]
  monkeypatch.setattr(latency.time, "perf_counter", iter(ticks).__next__)


def test_it_is_the_median_of_the_runs_after_the_warm_up(clock):
  assert latency.milliseconds(network()) == latency.WARM_UP + (latency.RUNS + 1) / 2


def test_a_network_may_have_several_outputs():
  assert latency.milliseconds(network(of_several_outputs=True)) > 0


def test_it_is_measured_only_when_asked_for():
  trained = types.SimpleNamespace(model=network())
  assert candidate_trainer.latency(trained, False) == {}
  assert candidate_trainer.latency(trained, True)["latency_ms"] > 0
