"""What a model card tells of metrics, and of where a network comes from."""

import dataclasses

import pytest

from official.serving import frames as frames_lib
from official.serving import model_card
from official.tasks import registry


def test_there_are_columns_for_the_metrics_that_there_are():
  text = model_card._metrics(
    {"validation": {"loss": 0.5, "mean_average_precision": 0.75}, "test": {"loss": float("nan")}},
    searched=True,
  )
  assert text.splitlines()[-4:] == [
    "| split | loss | mean_average_precision |",
    "|---|---|---|",
    "| validation | 0.5000 | 0.7500 |",
    "| test | - | - |",
  ]


def test_an_accuracy_has_its_interval_and_what_it_is_compared_with():
  baseline = {"metric": "accuracy", "clips": 49, "chance": 1 / 6, "largest_class": 9 / 49}
  text = model_card._metrics({"test": {"accuracy": 36 / 49}}, {"test": baseline}, searched=False)
  assert text.splitlines()[-1] == (
    "On the test clips: 36 of 49 clips right, 95 % interval 0.597 to 0.838; chance 0.167, largest "
    "class 0.184."
  )


@pytest.mark.parametrize(
  "search, end",
  [
    ({}, "(assets/architecture.json)."),
    ({"algorithm": "evolution"}, "(assets/architecture.json), whose connections evolution chose."),
    (
      {"algorithm": "random_search"},
      "(assets/architecture.json), of the best that a random search drew.",
    ),
  ],
)
def test_a_card_says_how_the_architecture_came_about(info, search, end):
  title = model_card._title(info.classes, registry.DEFAULT.served(), [{"blocks": [1, 2]}], search)
  assert title.splitlines()[2] == f"A network of 2 blocks {end}"


@pytest.mark.parametrize(
  "algorithm, said",
  [
    ("tvl1", "Its optical flow (TV-L1) is stored in it."),
    ("given", "Its optical flow comes from files of its own."),
    ("dis", "The network has to be sent such flow, because a served network computes TV-L1 only."),
  ],
)
def test_a_card_says_where_flow_comes_from_and_whether_frames_are_enough(
  model, info, algorithm, said
):
  flow = dataclasses.replace(info.streams["flow"], algorithm=algorithm)
  info = dataclasses.replace(info, streams={**info.streams, "flow": flow})
  clip = frames_lib.clip_format(model.input, info)
  card = model_card.render(info, registry.DEFAULT.served(), clip, [{"blocks": []}], {})
  assert said in card
  takes_frames = algorithm == "tvl1"
  assert ("| `serving_default` | `frames` |" in card) == takes_frames
  assert ("plain frames are not enough to make them" in card) != takes_frames


def test_validation_clips_choose_only_in_a_search():
  metrics = {"validation": {"loss": 0.5}}
  assert "Validation clips chose" in model_card._metrics(metrics, searched=True)
  assert "chose" not in model_card._metrics(metrics, searched=False)
