"""A whole search on a simulated cluster.

The driver, its files, its console and its proposals are the real ones, on a clock that the cluster
keeps (simulated_cluster.py).
"""

from collections.abc import Mapping
import dataclasses
import time
from typing import Any
from unittest import mock

from official.architecture import cost
from official.architecture import space as space_lib
from official.runs import console as console_lib
from official.runs import driver
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search.settings import SearchSettings
from tools.benchmarks import simulated_trainings
from tools.benchmarks.simulated_cluster import Cluster
from tools.benchmarks.simulated_cluster import Conditions
from tools.benchmarks.simulated_storage import FileOperations

_CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)
RUNGS = "22,66,200"
assert RUNGS.endswith(f",{simulated_trainings.STEPS}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
  """What is searched, picklable.

  Attributes:
    directory: The run directory.
    candidates: Candidates in all.
    population_size: As in official.evolve.
    rungs: Whether candidates are judged after 22, 66 and all 200 steps.
    max_retries: As in official.evolve.
    space: Name of the search space, or a JSON file.
    conditions: What the cluster is like.
  """

  directory: str
  candidates: int
  population_size: int = SearchSettings.population_size
  rungs: bool = False
  max_retries: int = SearchSettings.max_retries
  space: str = "small"
  conditions: Conditions

  @property
  def settings(self) -> SearchSettings:
    """The numbers of the search."""
    return SearchSettings(
      workers=self.conditions.workers,
      population_size=self.population_size,
      rounds=self.candidates - self.population_size,
      rungs=RUNGS if self.rungs else None,
      max_retries=self.max_retries,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ran:
  """A search that has ended.

  Attributes:
    search: What was searched.
    cluster: What it was searched on, at the end.
    seconds: Real time that it took, the simulation's own included.
  """

  search: Search
  cluster: Cluster
  seconds: float


def run(search: Search) -> Ran:
  """Runs a search, or resumes it."""
  settings = search.settings
  directory = RunDirectory(search.directory)
  start = time.perf_counter()
  with FileOperations() as operations:
    cluster = Cluster(search.conditions, operations)
    with (
      mock.patch.object(loop, "time", cluster),
      mock.patch.object(driver, "time", cluster),
      directory.opened(settings.identity(), settings.operation()),
      cluster,
      open(f"{search.directory}.txt", "a", encoding="utf-8") as lines,
      console_lib.Console(lines=lines, terminal=False) as console,
    ):
      loop.search(
        directory,
        space_lib.load_space(search.space),
        settings,
        _CLIP,
        _no_evaluator,
        cluster,
        console,
      )
    return Ran(
      search=search,
      cluster=cluster,
      seconds=time.perf_counter() - start,
    )


def _no_evaluator(candidate: Mapping[str, Any], directory: str) -> Mapping[str, Any]:
  raise NotImplementedError("the cluster simulates trainings")
