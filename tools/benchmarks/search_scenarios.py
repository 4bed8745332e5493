"""Compares simulated clusters: the same search under stragglers, storms, slow storage, with rungs.

    python -m tools.benchmarks.search_scenarios --workers=1000 --candidates=10000

Each row is a search by the real driver on a simulated cluster, as tools.benchmarks.search_scale
runs it; its `--help` explains the conditions and the figures. The driver takes --driver_ms for each
candidate, whatever this machine needs, so that equal flags give the same table anywhere. The
output is Markdown; docs/scale.md shows it. A row of 10,000 candidates takes about a minute of one
core, and a folder on a disk in memory (--scratch_dir=/dev/shm) spares it a few.

busy        the time of the workers that are there, spent in trainings while there is work for all
useful      of it, that spent in steps that counted; the rest starts, repeats, or is slow
an hour     candidates that ended in an hour, while there is work for all
lost        tries that ended before their time
again       steps that were done again, as a share of those that counted
given up    candidates that are infeasible because they were killed more than --max_retries times
95 %, all   hours until so many of the candidates have ended
ideal       hours if the workers did nothing but the steps that counted
"""

from collections.abc import Mapping, Sequence
import os
import tempfile
from typing import Any

from absl import flags

from data_prep.common import cli
from tools.benchmarks import simulated_figures
from tools.benchmarks import simulated_search
from tools.benchmarks.simulated_cluster import Conditions
from tools.benchmarks.simulated_figures import Figures
from tools.benchmarks.simulated_search import Search

_WORKERS = flags.DEFINE_integer("workers", 1000, "Simulated workers.", lower_bound=2)
_CANDIDATES = flags.DEFINE_integer("candidates", 10_000, "Candidates in all.", lower_bound=20)
_MEAN = flags.DEFINE_float("mean_seconds", 600.0, "Mean time of a training.", lower_bound=1.0)
_DRIVER = flags.DEFINE_float("driver_ms", 6.0, "Time of the driver for a candidate.", 0.0)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed of the cluster.", lower_bound=0)
_ONLY = flags.DEFINE_list("only", [], "Names of the scenarios to run; all by default.")
_SCRATCH = flags.DEFINE_string("scratch_dir", None, "Folder for the runs, which are deleted.")

_USUAL = {"sigma": 1.0, "start_seconds": 15.0, "killed_share": 0.01, "infeasible_share": 0.01}
_STORMS = {**_USUAL, "storm_hours": 0.5}
_ALL = {**_STORMS, "slow_share": 0.02, "storage_ms": 5.0}
# What differs from a cluster on which nothing goes wrong, and from the defaults of a search.
SCENARIOS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
  "ideal": ({"driver_ms": 0.0}, {}),
  "usual": (_USUAL, {}),
  "stragglers": ({**_USUAL, "slow_share": 0.02}, {}),
  "storms": (_STORMS, {}),
  "storage of 5 ms": ({**_USUAL, "storage_ms": 5.0}, {}),
  "storage of 50 ms": ({**_USUAL, "storage_ms": 50.0}, {}),
  "rungs": (_USUAL, {"rungs": True}),
  "rungs and storms": (_STORMS, {"rungs": True}),
  "everything": (_ALL, {"rungs": True}),
}
_COLUMNS = ("", "busy", "useful", "an hour", "lost", "again", "given up", "95 %", "all", "ideal")


def scenario(
  name: str, *, directory: str, workers: int, candidates: int, **conditions: Any
) -> Search:
  """Returns the search of a scenario.

  Args:
    name: One of SCENARIOS.
    directory: The run directory.
    workers: Simulated workers.
    candidates: Candidates in all.
    **conditions: Of the cluster, unless the scenario has others.
  """
  cluster, search = SCENARIOS[name]
  return Search(
    directory=directory,
    candidates=candidates,
    conditions=Conditions(workers=workers, **{**conditions, **cluster}),
    **search,
  )


def main(arguments: Sequence[str]) -> None:
  del arguments
  if unknown := set(_ONLY.value) - set(SCENARIOS):
    raise cli.UserError(
      f"--only={','.join(sorted(unknown))} is no scenario; they are {'; '.join(SCENARIOS)}"
    )
  print(_line(_COLUMNS), _line(["---"] * len(_COLUMNS)), sep="\n")
  for name in _ONLY.value or SCENARIOS:
    with tempfile.TemporaryDirectory(dir=_SCRATCH.value) as scratch:
      search = scenario(
        name,
        directory=os.path.join(scratch, "run"),
        workers=_WORKERS.value,
        candidates=_CANDIDATES.value,
        mean_seconds=_MEAN.value,
        driver_ms=_DRIVER.value,
        seed=_SEED.value,
      )
      figures = simulated_figures.of(simulated_search.run(search))
    print(_line((name, *_cells(figures))), flush=True)


def _cells(figures: Figures) -> tuple[str, ...]:
  return (
    f"{figures.busy:.1%}",
    f"{figures.useful:.1%}",
    f"{figures.an_hour:,.0f}",
    f"{figures.lost:,}",
    f"{figures.repeated:.1%}",
    f"{figures.given_up:,}",
    f"{figures.hours_to_most:.2f}",
    f"{figures.hours:.2f}",
    f"{figures.ideal_hours:.2f}",
  )


def _line(cells: Sequence[str]) -> str:
  return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
  cli.run(main)
