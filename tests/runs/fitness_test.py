import math

import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.runs import fitness

METRICS = {"accuracy": 0.5, "top5_accuracy": 0.875, "loss": 1.25, "mean_average_precision": 0.625}


@pytest.mark.parametrize(
  "name, value",
  [
    ("accuracy", 0.5),
    ("top1_plus_top5", 1.375),
    ("loss", -1.25),
    ("mean_average_precision", 0.625),
  ],
)
def test_fitness_is_larger_for_the_better(name, value):
  assert fitness.compute(name, METRICS) == value


@pytest.mark.parametrize("lost", [math.nan, None])
def test_a_metric_that_is_no_number_makes_a_fitness_that_is_none(lost):
  assert math.isnan(fitness.compute("loss", {**METRICS, "loss": lost}))


def test_a_missing_metric_is_an_error():
  with pytest.raises(KeyError, match="top5_accuracy"):
    fitness.compute("top1_plus_top5", {"accuracy": 0.5})


def test_ties_go_to_the_lower_loss_then_to_the_older():
  best_first = [(0.9, 2.0, 9), (0.8, 1.0, 7), (0.8, 1.5, 2), (0.8, 1.5, 3), (0.8, None, 1)]
  assert sorted(reversed(best_first), key=lambda member: fitness.rank(*member)) == best_first


def test_people_are_shown_a_loss_as_it_is():
  lost = fitness.compute("loss", {"loss": 2.2564})
  assert fitness.text("loss", lost) == "loss 2.2564"
  assert fitness.text("accuracy", 0.5) == "accuracy 0.5000"
  assert fitness.text("loss", -0.0) == "loss 0.0000"


@pytest.mark.parametrize(
  "name, given, expected", [("loss", 0.5, -0.5), ("loss", -0.5, -0.5), ("accuracy", 0.5, 0.5)]
)
def test_a_target_of_a_loss_is_a_loss(name, given, expected):
  assert fitness.target(name, given) == expected


def _dataset(*, multi_label: bool) -> metadata.DatasetInfo:
  return metadata.DatasetInfo(
    classes=("a", "b"),
    streams={},
    fps=10,
    short_side=32,
    splits={},
    failures=0,
    multi_label=multi_label,
    manifest_sha256="",
    settings={},
    versions={},
  )


def test_the_choices_are_those_of_all_tasks_and_the_default_is_accuracy():
  assert fitness.names() == (
    "accuracy",
    "top1_plus_top5",
    "loss",
    "mean_average_precision",
    "margin",
    "psnr_gain",
    "psnr",
    "ssim",
    "mean_iou",
    "pixel_accuracy",
  )
  assert fitness.DEFAULT == "accuracy"


@pytest.mark.parametrize("name", ["accuracy", "top1_plus_top5"])
def test_several_labels_a_clip_have_no_accuracy(name):
  with pytest.raises(
    cli.UserError,
    match="^D has clips with several labels, for which there is no "
    f"{name}; choose --fitness=mean_average_precision or loss$",
  ):
    fitness.check(name, _dataset(multi_label=True), "D")


@pytest.mark.parametrize("name", ["mean_average_precision", "loss"])
def test_several_labels_a_clip_have_a_mean_average_precision(name):
  fitness.check(name, _dataset(multi_label=True), "D")


@pytest.mark.parametrize("name", fitness.names()[:5])
def test_one_label_a_clip_has_every_fitness_of_classes(name):
  fitness.check(name, _dataset(multi_label=False), "D")


@pytest.mark.parametrize("name", fitness.names()[5:])
def test_a_fitness_of_frames_or_masks_is_refused_where_clips_have_labels(name):
  with pytest.raises(cli.UserError, match=f"^D has clips with one label, .* no {name}; choose "):
    fitness.check(name, _dataset(multi_label=False), "D")
