"""Shows how far one driver scales: a search of very many candidates on a simulated cluster.

    python -m tools.benchmarks.search_scale --workers=1000 --candidates=10000

The driver, its files, its console and its proposals are the real ones. Only the trainings are not:
an executor with a clock of its own lets each take a time, and makes up the numbers. What the driver
does between two calls of the executor is measured and moves the clock by as much, so that a worker
that became free waits for a busy driver as it would in earnest. `--driver_ms=6` takes that many ms
for a candidate instead: equal flags then give equal figures. Files are written at nobody's expense,
unless `--storage_ms` says how long the driver waits for a file operation.

The cluster is as bad as you like:

    --sigma=1                      durations are log-normal; the longest of 10,000 takes 25 times
                                   the mean, and the end of a search waits for it
    --slow_share=0.02              tries that land on a machine that is ten times slower
    --storm_hours=2                every 2 hours, --storm_share of all workers (0.3) are lost at
                                   once and come back after ten minutes. What ran there goes on from
                                   its newest checkpoint, as soon as there is a free worker
    --storage_ms=50                a shared store that answers after 50 ms
    --rungs                        candidates are judged after 22, 66 and 200 steps

Printed are

busy      the workers' time spent in trainings, of all the time from the first submission until the
          last new candidate is handed out (while there is work for everybody), and of all the time
          to the very end (with the drain, in which workers have nothing left to do)
cycle     ms in which the driver records a result, proposes the next candidate and hands it out:
          from one return of `wait_any` to the next call
pace      candidates in an hour, while there is work for everybody; and the hours until 95 % of the
          candidates have ended, all have, and all would have if the workers did nothing but steps
lost      tries that ended before their time, the share of steps that were done again, and
          candidates that were given up because --max_retries were not enough
lineage   generations that the last tenth of the candidates descend from, and the quality of the
          best in a landscape that is made up (simulated_trainings.py)
rungs     trainings to each rung, and the share of the promotions that are right in the end
files     operations of the driver for a candidate; more run in the trainings
memory    the largest resident size of this process, which holds the driver and the simulation
resume    s that a fresh process needs, after its imports, from opening the finished run until the
          driver would hand out work
disk      files and folders of the run, their bytes, and the bytes they occupy

tools.benchmarks.search_scenarios runs several such clusters and compares them.
"""

from collections.abc import Sequence
import concurrent.futures
import multiprocessing
import os
import resource
import statistics
import tempfile

from absl import flags
import numpy as np

from data_prep.common import cli
from tools.benchmarks import simulated_figures
from tools.benchmarks import simulated_search
from tools.benchmarks.simulated_cluster import Conditions
from tools.benchmarks.simulated_figures import Figures
from tools.benchmarks.simulated_search import Ran
from tools.benchmarks.simulated_search import Search

_WORKERS = flags.DEFINE_integer("workers", 1000, "Simulated workers.", lower_bound=1)
_CANDIDATES = flags.DEFINE_integer("candidates", 100_000, "Candidates in all.", lower_bound=20)
_SPACE = flags.DEFINE_string("search_space", "small", "Name of the search space, or a JSON file.")
_POPULATION = flags.DEFINE_integer("population_size", 20, "As in official.evolve.", lower_bound=5)
_RETRIES = flags.DEFINE_integer("max_retries", 1, "As in official.evolve.", lower_bound=0)
_RUNGS = flags.DEFINE_bool("rungs", False, f"Judges candidates after {simulated_search.RUNGS}.")
_MEAN = flags.DEFINE_float("mean_seconds", 600.0, "Mean time of a training.", lower_bound=1.0)
_SIGMA = flags.DEFINE_float("sigma", 1.0, "Spread of their logarithm.", lower_bound=0.0)
_SLOW = flags.DEFINE_float("slow_share", 0.0, "Share of slow tries.", 0.0, 1.0)
_STORMS = flags.DEFINE_float("storm_hours", 0.0, "Hours between storms; 0: none.", lower_bound=0.0)
_STORM_SHARE = flags.DEFINE_float("storm_share", 0.3, "Share of workers that it hits.", 0.0, 1.0)
_STORAGE = flags.DEFINE_float("storage_ms", 0.0, "Latency of a file operation.", lower_bound=0.0)
_DRIVER = flags.DEFINE_float(
  "driver_ms", None, "Time of the driver for a candidate; by default what it takes here."
)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed of the cluster.", lower_bound=0)
_SCRATCH = flags.DEFINE_string(
  "scratch_dir",
  None,
  "Folder for the run, which is deleted at the end; by default the system's temporary one.",
)
_SHARE_KILLED, _SHARE_INFEASIBLE = 0.01, 0.01


def resume(search: Search) -> float:
  """Returns the seconds that it takes to resume a finished run."""
  return simulated_search.run(search).seconds


def main(arguments: Sequence[str]) -> None:
  del arguments
  with tempfile.TemporaryDirectory(dir=_SCRATCH.value) as scratch:
    search = _search(os.path.join(scratch, "run"))
    ran = simulated_search.run(search)
    figures = simulated_figures.of(ran)
    print(
      f"{search.candidates:,} candidates, {search.conditions.workers:,} workers, space "
      f"{search.space}: driven in {ran.seconds:.0f} s, {figures.hours:.1f} simulated hours"
    )
    _report(ran, figures)
    print(f"memory    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")
    with concurrent.futures.ProcessPoolExecutor(
      max_workers=1, mp_context=multiprocessing.get_context("spawn")
    ) as fresh:
      print(f"resume    {fresh.submit(resume, search).result():.1f} s", flush=True)
    print(f"disk      {_disk(search.directory)}", flush=True)


def _search(directory: str) -> Search:
  conditions = Conditions(
    workers=_WORKERS.value,
    mean_seconds=_MEAN.value,
    sigma=_SIGMA.value,
    slow_share=_SLOW.value,
    killed_share=_SHARE_KILLED,
    infeasible_share=_SHARE_INFEASIBLE,
    storm_hours=_STORMS.value,
    storm_share=_STORM_SHARE.value,
    storage_ms=_STORAGE.value,
    driver_ms=_DRIVER.value,
    seed=_SEED.value,
  )
  return Search(
    directory=directory,
    candidates=_CANDIDATES.value,
    population_size=_POPULATION.value,
    rungs=_RUNGS.value,
    max_retries=_RETRIES.value,
    space=_SPACE.value,
    conditions=conditions,
  )


def _report(ran: Ran, figures: Figures) -> None:
  print(
    f"busy      {figures.busy:.2%} until the last new candidate, "
    f"{figures.busy_to_the_end:.2%} with the drain"
  )
  for name, cycles in _windows(ran).items():
    if cycles:
      print(
        f"cycle     {1e3 * statistics.median(cycles):.2f} ms median, "
        f"{1e3 * float(np.percentile(cycles, 95)):.2f} ms 95th percentile {name}"
      )
  print(
    f"pace      {figures.an_hour:,.0f} candidates an hour; 95 % in {figures.hours_to_most:.2f} h, "
    f"all in {figures.hours:.2f} h, ideal {figures.ideal_hours:.2f} h"
  )
  print(
    f"lost      {figures.lost:,} tries, {figures.repeated:.2%} of the steps done again, "
    f"{figures.given_up:,} candidates given up"
  )
  print(f"lineage   {figures.generations:.1f} generations, best quality {figures.best:.3f}")
  if figures.right:
    shares = ", ".join(f"{share:.0%}" for share in figures.right)
    print(f"rungs     {', '.join(map(str, figures.trainings))} trainings; {shares} right")
  operations = ran.cluster.driver_operations / ran.search.candidates
  print(f"files     {operations:.1f} operations of the driver for a candidate")


def _windows(ran: Ran) -> dict[str, list[float]]:
  steady = ran.cluster.cycles
  windows = {"of all": steady}
  for middle in (1000, 10_000):
    index = middle - ran.cluster.capacity  # The first ones, for everybody, are no cycles.
    windows[f"around the {middle:,}th"] = steady[max(index - 500, 0) : max(index + 500, 0)]
  return {**windows, "of the last thousand": steady[-1000:]}


def _disk(directory: str) -> str:
  number = size = occupied = 0
  for folder, _, names in os.walk(directory):
    for path in (folder, *(os.path.join(folder, name) for name in names)):
      status = os.stat(path)
      number, size = number + 1, size + status.st_size
      occupied += 512 * status.st_blocks
  return f"{number:,} files and folders, {size / 1e6:.1f} MB, {occupied / 1e6:.1f} MB occupied"


if __name__ == "__main__":
  cli.run(main)
