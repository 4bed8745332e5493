"""Short trainings of a small two-stream network on sample videos, on the real trainer."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.inputs import clip_values
from official.inputs import clips
from official.inputs import views
from official.tasks.classification import spec as classification
from official.training import candidate_trainer
from official.training import clip_task
from official.training import config
from official.training import experiment
from official.training import progress_file
from official.training import score_names
from official.training import scores


def _architecture() -> Architecture:
  stem = dict(level=0, channels=8, spatial_stride=2)
  block = dict(kind="basic_2plus1d", channels=16, spatial_stride=2)
  names = [
    ("rgb_0", "level1_0"),
    ("flow_0", "level1_0"),
    ("flow_0", "level2_0"),
    ("level1_0", "level2_0"),
  ]
  return Architecture(
    (
      Block(id="rgb_0", kind="stem_2plus1d", streams=("rgb",), **stem),
      Block(id="flow_0", kind="stem_2d", streams=("flow",), **stem),
      Block(id="level1_0", level=1, temporal_dilation=2, **block),
      Block(id="level2_0", level=2, **block),
    ),
    tuple(Connection(*ends) for ends in names),
  )


_JSON = serialization.to_json(_architecture())


@pytest.fixture(scope="module")
def make_setup(sample_dataset, tmp_path_factory):
  cache = str(tmp_path_factory.mktemp("cache"))

  def make(steps: int, **changes) -> config.Training:
    how = {"batch_size": 8, "learning_rate": 0.05, **changes}
    return config.of(
      data_dir=sample_dataset,
      cache_dir=cache,
      num_frames=8,
      image_size=32,
      train_steps=steps,
      **how,
      checkpoint_steps=10,
    )

  return make


def _silent(*_, **__) -> None:
  pass


def _train(settings: config.Training, folder, report=_silent, seed=3) -> experiment.Trained:
  with contextlib.redirect_stdout(io.StringIO()):
    return experiment.train(settings, _JSON, seed, str(folder), report)


@pytest.fixture(scope="module")
def trained(make_setup, tmp_path_factory):
  """100 steps without a pause."""
  return _train(make_setup(100), tmp_path_factory.mktemp("trained"))


def test_moves_the_weights_of_blocks_with_several_inputs(trained):
  assert trained.weights_before.keys() == trained.weights_after.keys()
  assert all(abs(weight - 0.5) < 0.05 for weight in trained.weights_before.values())
  moved = [
    abs(trained.weights_after[ends] - before) for ends, before in trained.weights_before.items()
  ]
  assert min(moved) > 1e-3
  assert max(moved) > 0.05


def test_after_a_short_training_evaluation_sees_the_network_that_training_saw(
  trained, make_setup, sample_dataset
):
  """Statistics that lag behind give an evaluation loss far above that of training mode."""
  config = experiment.configure(make_setup(100), _JSON, 3)
  task = clip_task.ClipTask(config.task)
  store = task.store(config.task.train_data)
  batches = clips.training_clips(
    store,
    ["flow", "rgb"],
    num_frames=8,
    image_size=32,
    global_batch_size=24,
    seed=9,
    augmentation=views.Augmentation(),
  )
  seen = [(clip_values.for_network(streams), labels) for streams, labels in batches.take(6)]
  losses = {
    mode: np.mean(
      [
        float(task.build_losses(labels, trained.model(streams, training=mode)))
        for streams, labels in seen
      ]
    )
    for mode in (False, True)
  }
  assert losses[False] < 0.8 * np.log(
    len(metadata.load(sample_dataset).classes)
  )  # it has learned something
  assert losses[False] == pytest.approx(losses[True], rel=0.25)


def test_an_interrupted_training_ends_like_one_that_was_not(make_setup, tmp_path):
  whole = _train(make_setup(30), tmp_path / "whole")

  class Killed(Exception):
    pass

  def kill_after_20_steps(phase, step=0, *_, **__):
    if phase == "training" and step > 20:
      raise Killed

  with pytest.raises(Killed):
    _train(make_setup(30), tmp_path / "killed", report=kill_after_20_steps)
  assert clip_task.checkpointed_step(str(tmp_path / "killed")) == 20
  phases = []
  resumed = _train(
    make_setup(30),
    tmp_path / "killed",
    report=lambda phase, step=0, *_, **__: phases.append((phase, step)),
  )
  assert ("tracing", 20) in phases
  assert resumed.metrics == whole.metrics
  assert resumed.weights_before == whole.weights_before
  assert resumed.weights_after == whole.weights_after
  for one, other in zip(resumed.model.variables, whole.model.variables, strict=True):
    np.testing.assert_array_equal(one.numpy(), other.numpy())


_TRAIN_AND_ASK = """
import os, pickle, signal, sys
import numpy as np
from official.training import experiment

def report(phase, step=0, *_, **__):
  if [phase, str(step)] == sys.argv[3:]:
    os.kill(os.getpid(), signal.SIGTERM)

with open(sys.argv[1], "rb") as file:
  trained = experiment.train(*pickle.load(file), 3, sys.argv[2], report)
variables = [variable.numpy() for variable in trained.model.variables]
with open(os.path.join(sys.argv[2], "trained"), "wb") as file:
  pickle.dump((trained.metrics, variables), file)
"""


def _train_and_ask_to_leave(settings: config.Training, folder, phase: str, step: int) -> int:
  """Trains in a process that gets SIGTERM at a phase and step; returns its status.

  One that ends leaves `trained`: its metrics and the values of its variables.
  """
  folder.mkdir(exist_ok=True)
  task = folder / "task"
  task.write_bytes(pickle.dumps((settings, _JSON)))
  return subprocess.run(
    [sys.executable, "-c", _TRAIN_AND_ASK, str(task), str(folder), phase, str(step)],
    cwd=pathlib.Path(__file__).parents[2],
    capture_output=True,
  ).returncode


def test_a_training_that_is_asked_to_leave_goes_on_from_there_to_the_same_bits(
  make_setup, tmp_path
):
  settings = config.replace(make_setup(30), checkpoint_steps=30)
  left = tmp_path / "left"
  assert _train_and_ask_to_leave(settings, left, "training", 15) == -signal.SIGTERM
  assert clip_task.checkpointed_step(str(left)) == 15
  # All in processes of their own: earlier tests of this one may have changed its threads.
  found = []
  for folder in (tmp_path / "whole", left):
    assert _train_and_ask_to_leave(settings, folder, "never", 0) == 0
    found.append(pickle.loads((folder / "trained").read_bytes()))
  (metrics, variables), (resumed_metrics, resumed_variables) = found
  assert resumed_metrics == metrics
  for one, other in zip(resumed_variables, variables, strict=True):
    np.testing.assert_array_equal(one, other)


def test_a_training_that_is_asked_to_leave_while_it_traces_saves_nothing(make_setup, tmp_path):
  folder = tmp_path / "left"
  assert _train_and_ask_to_leave(make_setup(30), folder, "tracing", 0) == -signal.SIGTERM
  assert clip_task.checkpointed_step(str(folder)) == 0


def test_tells_the_time_in_steps_from_the_time_in_all(make_setup, tmp_path):
  timing = candidate_trainer.TrainingEvaluator(setup=make_setup(20))(
    {"architecture": _JSON, "seed": 1}, str(tmp_path)
  )["timing"]
  assert 0 < timing["seconds_in_steps"] < timing["seconds"]
  assert timing["processor_seconds"] > 0


def test_a_result_is_plain_data_and_says_what_the_network_is(make_setup, tmp_path, monkeypatch):
  told = []
  write = progress_file.Progress.__call__
  monkeypatch.setattr(
    progress_file.Progress,
    "__call__",
    lambda self, *args, **kwargs: told.append((args, kwargs)) or write(self, *args, **kwargs),
  )
  result = candidate_trainer.TrainingEvaluator(setup=make_setup(10))(
    {"architecture": _JSON, "seed": 1}, str(tmp_path)
  )
  assert json.loads(json.dumps(result)) == result
  assert result["status"] == "ok"
  assert set(result["metrics"]) == {
    metric.name for metric in classification.SPEC.metrics if not metric.on_request
  }
  assert result["params"] == cost.parameters(_architecture(), {"rgb": 3, "flow": 2}, 6)
  assert [(c["source"], c["target"]) for c in result["connection_weights"]] == [
    (c.source, c.target) for c in _architecture().connections
  ]
  assert "sensitivities" not in result
  assert json.loads((tmp_path / "progress.json").read_text())["phase"] == "evaluating"
  trained = [
    kwargs["metrics"] for args, kwargs in told if kwargs.get("step") == 10 and args[0] == "training"
  ]
  assert list(trained[0])[:2] == ["loss", "accuracy"]
  assert trained[0]["loss"] > 0 and 0 <= trained[0]["accuracy"] <= 1


def test_sensitivities_and_scores_are_measured_where_they_are_asked_for(make_setup, tmp_path):
  evaluator = candidate_trainer.TrainingEvaluator(
    setup=make_setup(10), sensitivities=True, scores=score_names.SCORES
  )
  result = evaluator({"architecture": _JSON, "seed": 1}, str(tmp_path))
  assert [(c["source"], c["target"]) for c in result["sensitivities"]] == [
    (c.source, c.target) for c in _architecture().connections
  ]
  assert all(c["value"] > 0 for c in result["sensitivities"])
  assert tuple(result["scores"]) == score_names.SCORES
  assert all(isinstance(score, float) for score in result["scores"].values())
  assert json.loads((tmp_path / "progress.json").read_text())["phase"] == "scoring"


def test_scores_are_those_of_the_first_weights_whatever_was_trained(make_setup):
  one, other = make_setup(10), make_setup(20, learning_rate=0.5)
  found = scores.measure(one, _JSON, 1, ("naswot", "synflow"))
  assert scores.measure(other, _JSON, 1, ("naswot", "synflow")) == found
  assert scores.measure(one, _JSON, 2, ("synflow",))["synflow"] != found["synflow"]


def test_trains_under_a_mirrored_strategy_as_on_one_device(make_setup, tmp_path):
  losses = {}
  for strategy in ("one_device", "mirrored"):
    settings = config.replace(make_setup(10), distribution_strategy=strategy)
    losses[strategy] = _train(settings, tmp_path / strategy).metrics["validation"]["loss"]
  assert losses["mirrored"] == pytest.approx(losses["one_device"], rel=1e-4)


def test_a_loss_that_becomes_nan_makes_the_candidate_infeasible(make_setup, tmp_path):
  result = candidate_trainer.TrainingEvaluator(setup=make_setup(10, learning_rate=1e30))(
    {"architecture": _JSON, "seed": 1}, str(tmp_path)
  )
  assert result["status"] == "infeasible"
  assert result["reason"].startswith("diverged: The loss value is")


def test_out_of_memory_makes_the_candidate_infeasible():
  with candidate_trainer.infeasible() as result:
    raise tf.errors.ResourceExhaustedError(
      None, None, "OOM when allocating tensor\nand a long trace"
    )
  assert result == {"status": "infeasible", "reason": "out of memory: OOM when allocating tensor"}


def test_a_fault_of_ours_is_raised(make_setup, tmp_path):
  broken = config.replace(make_setup(10), data_dir=os.path.join(tmp_path, "nowhere"))
  with pytest.raises(Exception, match="nowhere"):
    candidate_trainer.TrainingEvaluator(setup=broken)(
      {"architecture": _JSON, "seed": 1}, str(tmp_path)
    )
