"""Measures how well scores without training predict the fitness of a run's candidates.

    python -m official.evolve --data_dir=D --model_dir=RUN --algorithm=random_search --scores=all \\
        --population_size=24 --rounds=0
    python -m tools.benchmarks.score_correlation --model_dir=RUN

Printed for every score, and for parameters and multiply-adds, which cost nothing, is Spearman's
rank correlation with the fitness over the feasible candidates (1: the same order; 0: no relation)
with its 95 % bootstrap interval over candidates; then the difference to the correlation of the
parameters, with its interval. An interval of the difference that is above 0 says that the score
predicts more than size does. The candidates of a random search are not chosen by what is measured.
With --data_dir, the scores of candidates that have none are computed here, in seconds each.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import math
import os

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import metadata
from official.runs import run_directory
from official.runs.records import Result
from tools.benchmarks import statistics_of_runs

_MODEL_DIR = flags.DEFINE_string(
  "model_dir", None, "Run directory of official.evolve.", required=True
)
_DATA_DIR = flags.DEFINE_string(
  "data_dir",
  None,
  "Folder made by data_prep.extract, on which the run was searched, if scores are to be computed.",
)
_LEAST_CANDIDATES = 4
PARAMETERS = "parameters"


def main(arguments: Sequence[str]) -> None:
  del arguments
  path = cli.resolve_path(_MODEL_DIR.value)
  run = run_directory.RunDirectory(path)
  results = [run.read_result(number) for number in range(run.count())]
  feasible = [result for result in results if result is not None and result.status == "ok"]
  if len(feasible) < _LEAST_CANDIDATES:
    raise cli.UserError(
      f"--model_dir={path} has {len(feasible)} feasible candidates; a correlation needs at least "
      f"{_LEAST_CANDIDATES}"
    )
  if _DATA_DIR.value:
    feasible = [_scored(run, result, cli.resolve_path(_DATA_DIR.value)) for result in feasible]
  fitness = np.array([result.fitness for result in feasible])
  print(
    f"{'':<16}{'candidates':>11}{'correlation':>13}{'95 %':>18}{'- parameters':>15}{'95 %':>18}"
  )
  for name, values in columns(feasible).items():
    print(_line(name, *correlation(values, columns(feasible)[PARAMETERS], fitness)), flush=True)


def columns(results: Sequence[Result]) -> dict[str, np.ndarray]:
  """Returns, by name, what may predict the fitness of every result, NaN where it is not known."""
  scores: list[Mapping[str, float | None]] = [each.others.get("scores") or {} for each in results]
  names = sorted({name for each in scores for name in each})
  return {
    PARAMETERS: _array([each.params for each in results]),
    "multiply_adds": _array([each.multiply_adds for each in results]),
    **{name: _array([each.get(name) for each in scores]) for name in names},
  }


def correlation(
  values: np.ndarray, parameters: np.ndarray, fitness: np.ndarray
) -> tuple[int, float, tuple | None, float, tuple | None]:
  """Returns candidates, correlation and interval, and those of the difference to parameters.

  Args:
    values, parameters, fitness: Of every candidate, [n]; those with a NaN are left out.
  """
  rows = np.stack([values, parameters, fitness], axis=1)
  rows = rows[np.isfinite(rows).all(axis=1)]

  def own(drawn: np.ndarray) -> float:
    return statistics_of_runs.spearman(drawn[:, 0], drawn[:, 2])

  def more(drawn: np.ndarray) -> float:
    return own(drawn) - statistics_of_runs.spearman(drawn[:, 1], drawn[:, 2])

  interval = statistics_of_runs.bootstrap_interval
  return len(rows), own(rows), interval(rows, own, seed=0), more(rows), interval(rows, more, seed=0)


def _scored(run: run_directory.RunDirectory, result: Result, data_dir: str) -> Result:
  """Returns a result with scores: its own, or those that are computed here."""
  if result.others.get("scores"):
    return result
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  from official.inputs import cache
  from official.training import config
  from official.training import scores

  recorded, candidate = run.recorded(), run.read_proposal(result.number)
  assert recorded is not None  # It has candidates.
  if recorded.identity["data_dir"] != metadata.load(data_dir).fingerprint:
    raise cli.UserError(
      f"{run.path} was searched on another dataset than --data_dir={data_dir}; give that one"
    )
  setup = config.restored(
    recorded.identity,
    train_steps=recorded.identity["candidate_steps"],
    data_dir=data_dir,
    cache_dir=cache.directory(data_dir, run.path),
    distribution_strategy="one_device",
  )
  found = scores.measure(setup, candidate.architecture, candidate.seed)
  return dataclasses.replace(result, others={**result.others, "scores": found})


def _line(
  name: str, count: int, found: float, bounds: tuple | None, more: float, of_more: tuple | None
) -> str:
  line = f"{name:<16}{count:>11}{_number(found):>13}{_bounds(bounds):>18}"
  return line if name == PARAMETERS else f"{line}{_number(more):>15}{_bounds(of_more):>18}"


def _array(values: Sequence[float | None]) -> np.ndarray:
  return np.array([math.nan if value is None else value for value in values], float)


def _number(value: float) -> str:
  return "-" if math.isnan(value) else f"{value:+.2f}"


def _bounds(bounds: tuple | None) -> str:
  return "-" if bounds is None else f"[{bounds[0]:+.2f}, {bounds[1]:+.2f}]"


if __name__ == "__main__":
  cli.run(main)
