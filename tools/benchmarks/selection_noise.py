"""Compares rules by which a search on few clips chooses its winner, by the winner's true quality.

    python -m tools.benchmarks.selection_noise --clips=25 --trainings=40

Trainings are simulated by a model that is fitted to real ones (selection_model.py): answers of five
networks with five seeds each about 100 clips, and the candidates of ten searches. Everything else
is the search's own: tournaments, removal, the comparison of folds, confirmations. All rules have
the same number of trainings of the same length, so that a confirmation leaves fewer for the search.
Folds are as large as the validation split, as they are with --folds=4 if there are three times as
many clips to train on.

Printed is, for every rule, the expected accuracy of the winner's architecture (over all seeds and
clips, which only a simulation knows), less that of an average random candidate; and the paired
difference to the default, accuracy on the validation split. Intervals are those of a bootstrap over
searches. `--quality_factor` and `--heritability` tell whether the order of the rules would be the
same if architectures differed more or less, or children were more like their parents.
"""

from collections.abc import Callable, Sequence
import dataclasses
import json

from absl import flags
import numpy as np

from data_prep.common import cli
from official.runs import fitness as fitness_lib
from official.runs.records import Result
from official.search import confirmation
from official.search import confirmation_trainings
from official.search import folds
from official.search import population
from official.search import state as state_lib
from official.search.settings import SearchSettings
from tools.benchmarks import selection_model
from tools.benchmarks import statistics_of_runs
from tools.benchmarks.selection_model import Architecture
from tools.benchmarks.selection_model import Model
from tools.benchmarks.selection_model import World

_ANSWERS = flags.DEFINE_string(
  "answers", "docs/study/avletters_answers.jsonl", "File of tools.study.answers."
)
_SUMMARY = flags.DEFINE_string("summary", "docs/study/avletters.jsonl", "Summary of a study.")
_JUDGED = flags.DEFINE_integer(
  "judged_clips", 50, "Validation clips of the study of --summary.", lower_bound=2
)
_CLIPS = flags.DEFINE_integer("clips", 25, "Validation clips.", lower_bound=2)
_TRAININGS = flags.DEFINE_integer(
  "trainings", 40, "Trainings of a search, confirmations included.", lower_bound=20
)
_SEARCHES = flags.DEFINE_integer("searches", 1000, "Simulated searches.", lower_bound=10)
_QUALITY = flags.DEFINE_float(
  "quality_factor", 1.0, "Factor of the spread of architectures.", lower_bound=0
)
_HERITABILITY = flags.DEFINE_float(
  "heritability",
  None,
  "Correlation of the qualities of parent and child. Default: that of the study.",
  lower_bound=0,
  upper_bound=1,
)

_FOLDS = 4
_CONFIRMING = 1_000_000  # Numbers of trainings from here on are those of confirmations.
RULES: dict[str, dict[str, object]] = {
  "--fitness=accuracy": {},
  "--fitness=margin": {"fitness": "margin"},
  "--fitness=loss": {"fitness": "loss"},
  "--remove=oldest": {"remove": "oldest"},
  "--folds=4": {"folds": _FOLDS},
  "--folds=4 --fold_rank=all": {"folds": _FOLDS, "fold_rank": "all"},
  "--confirm=3:2": {"confirm": "3:2"},
  "--confirm=5:2": {"confirm": "5:2"},
  "--confirm=3:4": {"confirm": "3:4"},
  "--fitness=margin --remove=oldest": {"fitness": "margin", "remove": "oldest"},
  "--fitness=margin --folds=4": {"fitness": "margin", "folds": _FOLDS},
  "--fitness=margin --confirm=3:2": {"fitness": "margin", "confirm": "3:2"},
  "--fitness=margin --confirm=5:2": {"fitness": "margin", "confirm": "5:2"},
  "--fitness=margin --folds=4 --confirm=3:4": {
    "fitness": "margin", "folds": _FOLDS, "confirm": "3:4",
  },
  "--algorithm=random_search": {"algorithm": "random_search"},
}  # fmt: skip


def main(_) -> int:
  model = fitted()
  print(_told(model))
  rows = {
    name: np.array([
      winner(model, settings(_TRAININGS.value, **changes), _CLIPS.value, seed)
      for seed in range(_SEARCHES.value)
    ])
    for name, changes in RULES.items()
  }  # fmt: skip
  print("\n".join(table(rows, average(model))))
  return 0


def fitted() -> Model:
  """Returns the model of the files that flags name, changed as flags say."""
  model = selection_model.fit_answers(selection_model.answers(_lines(_ANSWERS.value)))
  random, pairs = selection_model.candidates(_lines(_SUMMARY.value))
  model = selection_model.with_spread(
    model,
    accuracy=float(random.mean()),
    deviation=float(random.std(ddof=1)),
    clips=_JUDGED.value,
  )
  model = selection_model.with_heritability(model, random, pairs, _JUDGED.value)
  if _HERITABILITY.value is not None:
    model = dataclasses.replace(model, heritability=_HERITABILITY.value)
  return dataclasses.replace(model, quality=model.quality * _QUALITY.value)


def _lines(path: str) -> list[dict]:
  try:
    with open(path, encoding="utf-8") as file:
      return [json.loads(line) for line in file]
  except (OSError, ValueError) as error:
    raise cli.UserError(f"{path} cannot be read: {error}") from error


def settings(trainings: int, **changes) -> SearchSettings:
  """Returns the settings of a search of so many trainings, those of its confirmation included."""
  plan = confirmation.parse(changes.get("confirm"))
  return SearchSettings(
    population_size=10,
    tournament_size=3,
    rounds=trainings - plan.trainings - 10,
    keep_checkpoints=0,
    **changes,
  )


def winner(model: Model, asked: SearchSettings, clips: int, seed: int) -> float:
  """Returns the true quality of the architecture that a search chooses, as an expected accuracy.

  Args:
    model: What trainings come to.
    asked: How to search.
    clips: Validation clips, and those of a fold.
    seed: Equal ones have equal clips and equal first candidates, whatever the rule.
  """
  world = World(model, clips * _FOLDS, np.random.default_rng([seed, 0]))

  def train(architecture: Architecture, number: int, fold: int) -> dict[str, float]:
    judges = np.arange(clips) + clips * fold
    return selection_model.metrics(
      world.train(architecture, judges, np.random.default_rng([seed, 1, number]))
    )

  state = state_lib.SearchState(asked)
  architectures: list[Architecture] = []
  for number in range(asked.candidates):
    rng = np.random.default_rng([seed, 2, number])
    if number < asked.initial or asked.algorithm == "random_search":
      architecture = Architecture.random(model, world, rng)
    else:
      sample = population.tournament(state.population, asked.tournament_size, rng)
      parent = population.best(sample, state.population).number
      architecture = architectures[parent].child(model, world, rng)
    architectures.append(architecture)
    fold = folds.record(asked.folds, number).get("fold", 0)
    state.record(_result(asked, number, train(architecture, number, fold)), ())
  return float(model.accuracy(architectures[_chosen(state, asked, architectures, train)].quality))


def _result(asked: SearchSettings, number: int, metrics: dict[str, float]) -> Result:
  return Result(
    number=number,
    status="ok",
    fitness=fitness_lib.compute(asked.fitness, metrics),
    metrics=metrics,
    finish_order=number,
  )


def _chosen(
  state: state_lib.SearchState,
  asked: SearchSettings,
  architectures: Sequence[Architecture],
  train: Callable[[Architecture, int, int], dict[str, float]],
) -> int:
  """Returns the number of the candidate that would be trained to the end."""
  rows = []
  for member in state.leaders[: asked.confirmation.candidates]:
    trained = []
    for which in range(asked.confirmation.seeds):
      number = _CONFIRMING + member.number * 100 + which
      fold = folds.record(asked.folds, which).get("fold", 0)
      trained.append(_result(asked, number, train(architectures[member.number], number, fold)))
    rows.append(
      confirmation.Row(
        number=member.number,
        searched=member.fitness,
        fitnesses=tuple(result.fitness for result in trained),
        loss=float(np.mean([result.loss for result in trained])),
      )
    )
  ordered = confirmation_trainings.ordered(state, asked, confirmation.ranked(rows))
  return (ordered or state.finalists)[0].number


def average(model: Model) -> float:
  """Returns the expected accuracy of a random candidate."""
  qualities = model.quality * np.random.default_rng(0).standard_normal(100_000)
  return float(model.accuracy(qualities).mean())


def _told(model: Model) -> str:
  noise = selection_model.repeatability(model, _CLIPS.value)
  return (
    f"model: quality {model.quality:.2f}, seed {model.seed:.2f}, clip {model.clip:.2f}, "
    f"taste {model.taste:.2f}, noise {model.noise:.2f}, heritability {model.heritability:.2f}\n"
    f"two trainings of one architecture on the same {_CLIPS.value} clips: correlation {noise:.2f}\n"
    f"{_SEARCHES.value} searches of {_TRAININGS.value} trainings each; a random candidate has an "
    f"expected accuracy of {average(model):.3f}\n"
  )


def table(rows: dict[str, np.ndarray], baseline: float) -> list[str]:
  """Returns a Markdown table; the first rule is what the others are compared with."""
  lines = [
    "| rule | winner above a random candidate | difference to the first rule |",
    "|---|---|---|",
  ]
  first = next(iter(rows.values()))
  for name, values in rows.items():
    lines.append(f"| `{name}` | {_interval(values - baseline)} | {_interval(values - first)} |")
  return lines


def _interval(values: np.ndarray) -> str:
  if not values.any():
    return "-"
  low, high = statistics_of_runs.bootstrap_interval(
    values, lambda drawn: float(drawn.mean()), seed=0, resamples=2000
  )
  return f"{values.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


if __name__ == "__main__":
  cli.run(main)
