import pytest

from data_prep.common import cli
from official.search import settings


@pytest.mark.parametrize(
  "changes, message",
  [
    (
      {"initial_candidates": 19},
      "--initial_candidates=19 is below --population_size=20; "
      "the population begins with them, so give at least its size",
    ),
    ({"prune_fraction": 1.5}, "--prune_fraction=1.5 is out of range; give a number from 0 to 1"),
    ({"max_hours": 0.0}, "--max_hours=0.0 is out of range; give a number above 0"),
    ({"target_fitness": float("nan")}, "--target_fitness=nan is no finite number; give one"),
    ({"max_retries": -1}, "--max_retries=-1 is out of range; give a number of at least 0"),
    (
      {"sensitivity_drop": "all"},
      "--sensitivity_drop=all is unknown; it is one of weakest, strongest",
    ),
    (
      {"population_size": 4, "tournament_size": 5},
      "--tournament_size=5 is above --population_size=4; a tournament is drawn from the "
      "population, so give at most its size",
    ),
    ({"population_size": 0}, "--population_size=0 is out of range; give a number of at least 1"),
    (
      {"confirm": "3"},
      "--confirm=3 is not of the form K:SEEDS; give two whole numbers of at least 1, such as 3:2 "
      "to train the 3 best again with 2 seeds each",
    ),
    (
      {"confirm": "3:2", "objectives": "accuracy,params", "final": "knee"},
      "--confirm=3:2 orders candidates by their fitness, and --final=knee takes the front; leave "
      "one of them out",
    ),
    ({"rounds": -1}, "--rounds=-1 is out of range; give a number of at least 0"),
    ({"workers": 0}, "--workers=0 is out of range; give a number of at least 1"),
    ({"seed": -1}, "--seed=-1 is out of range; give a number of at least 0"),
    ({"remove": "best"}, "--remove=best is unknown; it is one of worst, worst_sampled, oldest"),
    (
      {"fitness": "beauty"},
      "--fitness=beauty is unknown; it is one of accuracy, top1_plus_top5, loss, "
      "mean_average_precision, margin, psnr_gain, psnr, ssim, mean_iou, pixel_accuracy, "
      "or of a module of your own (--import)",
    ),
    (
      {"weight_threshold": 1.5},
      "--weight_threshold=1.5 is neither a number from 0 to 1 nor 'uniform' nor "
      "'uniform:LOW:HIGH' with 0 <= LOW < HIGH <= 1",
    ),
    (
      {"weight_threshold": "uniform:0.8:0.2"},
      "--weight_threshold=uniform:0.8:0.2 is neither a number from 0 to 1 nor 'uniform' nor "
      "'uniform:LOW:HIGH' with 0 <= LOW < HIGH <= 1",
    ),
    ({"remove_count": 0}, "--remove_count=0 is out of range; give a number of at least 1"),
    (
      {"remove_count": 21},
      "--remove_count=21 is above --population_size=20; somebody must be left to be a parent, so "
      "give at most its size",
    ),
    (
      {"weight_threshold": "half"},
      "--weight_threshold=half is neither a number from 0 to 1 nor 'uniform' nor "
      "'uniform:LOW:HIGH' with 0 <= LOW < HIGH <= 1",
    ),
  ],
)
def test_nonsense_is_refused_by_the_name_of_the_flag(changes, message):
  with pytest.raises(cli.UserError) as error:
    settings.SearchSettings(**changes)
  assert str(error.value) == message


def test_defaults_are_those_of_the_paper():
  defaults = settings.SearchSettings()
  assert (defaults.population_size, defaults.tournament_size, defaults.rounds) == (20, 5, 200)
  assert (defaults.remove, defaults.weight_threshold, defaults.max_operators) == ("worst", 0.5, 4)


def test_rounds_come_after_the_initial_population():
  assert settings.SearchSettings(population_size=4, tournament_size=2, rounds=4).candidates == 8


def test_operation_is_no_identity():
  some = settings.SearchSettings(rounds=3, workers=2)
  assert some.operation() == {
    "rounds": 3,
    "workers": 2,
    "keep_checkpoints": 5,
    "max_hours": None,
    "target_fitness": None,
    "max_retries": 1,
    "candidate_timeout": None,
    "final": "best",
    "top_k": 3,
    "export": "best",
    "confirm": None,
  }
  assert not some.identity().keys() & some.operation().keys()


@pytest.mark.parametrize(
  "text, value",
  [
    ("0.5", 0.5),
    ("1", 1.0),
    ("uniform", "uniform"),
    ("uniform:.20:0.8", "uniform:0.2:0.8"),
  ],
)
def test_a_threshold_is_a_number_or_uniform(text, value):
  some = settings.SearchSettings(weight_threshold=settings.threshold(text))
  assert some.weight_threshold == value


@pytest.mark.parametrize(
  "best, hours, reason",
  [
    (None, 1.9, None),
    (0.8, 1.9, None),
    (0.9, 0.0, "--target_fitness=0.9 is reached"),
    (None, 2.0, "--max_hours=2 are over"),
  ],
)
def test_a_target_or_a_budget_is_enough(best, hours, reason):
  assert settings.SearchSettings(target_fitness=0.9, max_hours=2.0).enough(best, hours) == reason


def test_initial_candidates_are_as_many_as_the_population_unless_told():
  assert settings.SearchSettings(population_size=7).initial_candidates == 7
  assert settings.SearchSettings(initial_candidates=30, rounds=5).candidates == 35


@pytest.mark.parametrize(
  "changes, text",
  [
    (
      {"weight_threshold": 0.0},
      "--weight_threshold=0 keeps every connection of a parent: children "
      "differ in their blocks alone",
    ),
    (
      {"guidance": "random", "prune_fraction": 0.0, "max_operators": 0},
      "--prune_fraction=0 keeps every connection of a parent: children equal their parents, so "
      "that random architectures are trained instead",
    ),
    ({"weight_threshold": 0.0, "guidance": "random"}, None),
    ({"weight_threshold": 0.0, "algorithm": "random_search"}, None),
    ({}, None),
  ],
)
def test_numbers_that_leave_children_no_choice_are_told(changes, text):
  assert settings.SearchSettings(**changes).dead_choice() == text


@pytest.mark.parametrize(
  ("given", "read"),
  [
    ({}, False),
    ({"guidance": "random"}, False),
    ({"guidance": "sensitivity"}, True),
    ({"guidance": "sensitivity", "algorithm": "random_search"}, False),
  ],
)
def test_sensitivities_are_read_by_a_guidance_that_has_parents(given, read):
  assert settings.SearchSettings(**given).reads("sensitivities") is read


def test_the_number_that_leaves_is_recorded_only_if_it_is_not_one():
  assert "remove_count" not in settings.SearchSettings().identity()
  assert settings.SearchSettings(remove_count=2).identity()["remove_count"] == 2
