"""Tasks are found by name, wherever they are defined, and say what they are judged by."""

import dataclasses
from unittest import mock

import pytest

from data_prep.common import cli
from official.tasks import contract
from official.tasks import label_metrics
from official.tasks import registry
from official.tasks.classification import spec as classification

_ERROR = contract.Metric(name="error", higher_is_better=False, format=".2f")


@pytest.fixture(autouse=True)
def nothing_stays_registered(monkeypatch):
  monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))


def _spec(**changes) -> contract.Spec:
  return dataclasses.replace(classification.SPEC, name="toy", package="toys.toy", **changes)


def test_a_task_from_outside_the_tree_is_found_by_its_name():
  spec = registry.register(_spec())
  assert registry.get("toy") is spec
  assert registry.names() == (
    "classification",
    "multi_label",
    "restoration",
    "segmentation",
    "toy",
  )


@pytest.mark.parametrize(
  ("classes", "streams", "name"),
  [
    (("a", "b"), ("rgb", "mask"), "classification"),
    ((), ("rgb",), "restoration"),
    ((), ("rgb", "mask"), "segmentation"),
  ],
)
def test_a_dataset_is_for_its_labels_then_its_masks_then_its_frames(classes, streams, name):
  info = mock.Mock(classes=classes, streams=dict.fromkeys(streams), multi_label=False)
  assert registry.of(info).name == name


def test_an_unknown_task_is_told_with_those_that_there_are():
  with pytest.raises(
    cli.UserError,
    match="^there is no task 'toy'; give one of classification, multi_label, "
    "restoration, segmentation$",
  ):
    registry.get("toy")


def test_a_task_brings_its_fitness_among_the_choices():
  metrics = (*classification.SPEC.metrics, _ERROR)
  registry.register(_spec(metrics=metrics, fitness=(contract.Fitness("error", (_ERROR,)),)))
  assert registry.fitness_names()[-1] == "error"
  assert registry.fitness("error").compute({"error": 0.25}) == -0.25


def test_two_tasks_of_one_name_are_refused():
  registry.register(_spec())
  registry.register(_spec())  # The same one twice is one.
  with pytest.raises(ValueError, match="^there is a task toy already, in toys.toy$"):
    registry.register(dataclasses.replace(_spec(), package="others.toy"))


def test_one_name_for_two_fitnesses_is_refused():
  other = contract.Fitness("accuracy", (label_metrics.TOP5_ACCURACY,))
  with pytest.raises(ValueError, match="has a fitness accuracy, which is another one elsewhere"):
    registry.register(_spec(fitness=(other,)))


def test_a_task_without_a_loss_is_refused():
  with pytest.raises(ValueError, match="^the task toy lacks a fitness, or contract.LOSS"):
    _spec(metrics=(label_metrics.ACCURACY,))


def test_a_fitness_of_no_metric_of_the_task_is_refused():
  with pytest.raises(ValueError, match="^the task toy has a fitness of error, which is none of"):
    _spec(fitness=(contract.Fitness("error", (_ERROR,)),))


def test_metrics_of_two_directions_do_not_add_up():
  with pytest.raises(ValueError, match="^the fitness both adds accuracy, loss; give"):
    contract.Fitness("both", (label_metrics.ACCURACY, contract.LOSS))


def test_a_metric_of_nothing_is_refused():
  with pytest.raises(ValueError, match="^the metric error is fed with 'labels'; give logits,"):
    contract.Metric(name="error", fed="labels")


def test_an_output_that_no_network_has_is_refused():
  class Dense(contract.Spec):
    def output(self, info):
      return contract.DenseOutput(channels=3)

  fields = {field.name: getattr(_spec(), field.name) for field in dataclasses.fields(_spec())}
  with pytest.raises(
    cli.UserError,
    match=r"^the task toy wants DenseOutput\(channels=3, scale=1\), and networks have",
  ):
    Dense(**fields).classes(None)
