"""The final training: the winner alone, or several of the best, trained to the end.

    final/final.json    which candidates, and with what settings; written before training
         /result.json   what came of it; written once
         /training, log.txt, progress.json, lock    as in a candidate's folder

Where several are trained, each has a folder like that of its own, and one more task joins them:

    final/final.json, result.json    of all together
         /000012/final.json, result.json, training, ...
         /joining/log.txt, progress.json, lock

    top_k       the one that is best after its final training is exported; with --export=all, so is
                each of the others, to export_top_k/000012/<version>
    ensemble    one network is exported, which averages the probabilities of all
    front       the one that is best after its final training is exported to export/<version> as
                with top_k, and each of the others to export_front/000012/<version>, a base folder
                of its own: a server takes the highest version of a base folder

A training is a task like any other: it runs in a process of its own, is resumed from its newest
checkpoint, and is tried again after one signal. When a search is resumed and finds a better
candidate, or when the settings change, `final/` is created again, except for candidates that are
wanted with the same settings as before; what was exported earlier stays, under its version.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import math
import os
import time

from official.runs import driver
from official.runs import fitness as fitness_lib
from official.runs import identity as identity_lib
from official.runs import json_files
from official.runs import judge
from official.runs import record_files
from official.runs.console import Console
from official.runs.driver import Ended
from official.runs.driver import Job
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Task
from official.runs.final_records import FinalAsked
from official.runs.final_records import FinalMember
from official.runs.final_records import FinalResult
from official.runs.final_records import LeftOut
from official.runs.final_records import TrainedNetwork
from official.runs.json_files import Json
from official.runs.records import Metrics
from official.runs.records import Timing
from official.runs.run_directory import RunDirectory

_KEY = "final"
_JOINING = "joining"
FRONT = "front"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalTrainings:
  """Trains candidates of a run to the end.

  Attributes:
    run: Opened run directory.
    settings: Values, by flag, that one final training depends on besides the search's identity.
    function: Called like an evaluator, with candidate.json and the folder of the final training;
      where there are several, it exports nothing.
    executor: Runs as many at a time as it has room for.
    console: Told what happens.
    retries: Times that a training is tried again after its process was killed.
    defaults: What a flag of the settings was before there was such a flag.
  """

  run: RunDirectory
  settings: Json
  function: Evaluator
  executor: Executor
  console: Console
  retries: int = judge.MAX_RETRIES
  defaults: Json = dataclasses.field(default_factory=dict)

  def train(self, number: int) -> FinalResult:
    """Trains candidate `number` to the end, or resumes, and returns the content of
    final/result.json.

    Raises:
      SearchStopped: It could not be trained.
      UserError: The environment is at fault; nothing is lost.
    """
    directory = self.run.final_directory
    finished = self._begin(directory, FinalAsked(candidate=number, settings=self.settings))
    if finished is not None:
      return finished
    ended = self._run_one(self._job(number, directory, _KEY))
    return self._finish(directory, {"candidate": number, **ended.verdict.value}, ended.timing())

  def train_several(
    self,
    numbers: Sequence[int],
    *,
    how: str,
    fitness: str,
    joining: Evaluator,
    export_all: bool = False,
  ) -> FinalResult:
    """Trains several candidates to the end, or resumes, and returns the content of
    final/result.json.

    A candidate that turns out infeasible is left out, and named in the result.

    Args:
      numbers: The candidates, best first.
      how: `top_k`, `ensemble` or `front`.
      fitness: Name of the fitness that tells which is best after the final training.
      joining: Called with `{"members": [{"candidate", "seed", "architecture", "training"}],
        "evaluate", "export_dir", "outcome_dir"}`, where `training` is a folder of checkpoints,
        `export_dir` is None for the usual one, and predictions go to `outcome_dir`; and a folder
        for its log. Exports them, and for an ensemble evaluates it, in `metrics` by split.
      export_all: Whether each is exported, of a front in any case, and not only the best.

    Raises:
      UserError: The environment is at fault; nothing is lost.
      SearchStopped: A final training failed, none is feasible, or the joining did not succeed.
    """
    directory = self.run.final_directory
    folders = {number: json_files.join(directory, f"{number:06d}") for number in numbers}
    settings = {**self.settings, "export": "all"} if export_all else self.settings
    asked = FinalAsked(final=how, candidates=tuple(numbers), settings=settings)
    finished = self._begin(directory, asked, {f"{number:06d}" for number in numbers})
    if finished is not None:
      return finished
    started = time.time()
    results, left_out = self._train_members(folders)
    if not results:
      raise judge.SearchStopped(
        f"none of {len(folders)} final trainings is feasible; of candidate "
        f"{left_out[0].candidate:06d}: {left_out[0].reason}; the same command tries again"
      )
    ranked = _ranked(results, fitness)
    exports, ended = self._export(ranked, how, joining, each=how == FRONT or export_all)
    winner: dict[str, object] = {}
    if how != "ensemble":
      winner = dataclasses.replace(results[ranked[0]], candidate=ranked[0]).to_json()
    members = FinalResult(
      final=how,
      members=tuple(
        _member(number, results[number], fitness, exports.get(number)) for number in ranked
      ),
      left_out=tuple(left_out),
    )
    value = {**winner, **members.to_json(), **ended.verdict.value}
    timing = dataclasses.replace(ended.timing(), started_at=round(started, 3))
    return self._finish(directory, value, timing)

  def _train_members(
    self, folders: Mapping[int, str]
  ) -> tuple[dict[int, FinalResult], list[LeftOut]]:
    """Returns the results by candidate, and those that are infeasible with the reason."""
    results: dict[int, FinalResult | None] = {
      number: self._begin(folder, FinalAsked(candidate=number, settings=self.settings))
      for number, folder in folders.items()
    }
    jobs = [
      self._job(number, folders[number], f"{number:06d}")
      for number, result in results.items()
      if result is None
    ]
    others: dict[int, Ended] = {}
    for ended in driver.run_all(jobs, self.executor, self.console, retries=self.retries):
      self._tell(ended)
      number = int(ended.key)
      if ended.verdict.status == "ok":
        results[number] = self._finish(folders[number], ended.verdict.value, ended.timing())
      else:
        others[number] = ended
    for _, ended in sorted(others.items()):
      if ended.verdict.status == "failed":
        raise _stopped(ended)
    return (
      {number: result for number, result in results.items() if result is not None},
      [LeftOut(number, others[number].verdict.reason) for number in folders if number in others],
    )

  def _export(
    self, ranked: Sequence[int], how: str, joining: Evaluator, *, each: bool
  ) -> tuple[dict[int, str], Ended]:
    """Exports the best, or all as an ensemble, and with `each` the others too; returns the folders
    of candidates that have one of their own, relative to the run, and how the first went."""
    exports = {}
    for number in ranked[1:] if each else ():
      export_dir = json_files.join(self.run.path, f"export_{how}", f"{number:06d}")
      ended = self._join([number], how, joining, export_dir)
      exports[number] = self._relative(str(ended.verdict.value["export"]))
    ended = self._join(ranked if how == "ensemble" else ranked[:1], how, joining)
    if each:
      exports[ranked[0]] = self._relative(str(ended.verdict.value["export"]))
    return exports, ended

  def _join(
    self, numbers: Sequence[int], how: str, joining: Evaluator, export_dir: str | None = None
  ) -> Ended:
    """Exports trained candidates, and evaluates an ensemble of them."""
    members = []
    for number in numbers:
      folder = json_files.join(self.run.final_directory, f"{number:06d}")
      candidate = self.run.read_proposal(number)
      network = TrainedNetwork(
        candidate=number,
        seed=candidate.seed,
        architecture=candidate.architecture,
        training=json_files.join(folder, "training"),
      )
      members.append(network.to_json())
    directory = json_files.join(self.run.final_directory, _JOINING)
    json_files.make_directory(directory)
    names = ", ".join(f"{number:06d}" for number in numbers)
    task = Task(
      key=_JOINING,
      function=joining,
      directory=directory,
      candidate={
        "members": members,
        "evaluate": how == "ensemble",
        "export_dir": export_dir,
        "outcome_dir": self.run.final_directory,
      },
    )
    return self._run_one(
      Job(label=f"export of candidate{'s' * (len(numbers) > 1)} {names}", task=task)
    )

  def _job(self, number: int, directory: str, key: str) -> Job:
    candidate = self.run.read_proposal(number).to_json()
    task = Task(key=key, function=self.function, candidate=candidate, directory=directory)
    return Job(label=f"final training of candidate {number:06d}", task=task)

  def _run_one(self, job: Job) -> Ended:
    """Runs a job; SearchStopped if it does not succeed."""
    (ended,) = driver.run_all([job], self.executor, self.console, retries=self.retries)
    self._tell(ended)
    if ended.verdict.status != "ok":
      raise _stopped(ended)
    return ended

  def _tell(self, ended: Ended) -> None:
    done = ended.verdict.status == "ok"
    self.console.end(ended.key, "finished" if done else str(ended.verdict.reason))

  def _begin(
    self, directory: str, asked: FinalAsked, keep: Iterable[str] = ()
  ) -> FinalResult | None:
    """Creates or resumes the folder for the settings; returns its result, if it has one.

    In a folder for something else, only the subfolders named in `keep` are kept.
    """
    content = json_files.plain(asked.to_json())
    recorded = read_asked(directory)
    if (
      recorded is None
      or identity_lib.with_defaults(recorded.to_json(), content, self.defaults) != content
    ):
      _clear(directory, keep)
      json_files.make_directory(directory)
      json_files.write_json(json_files.join(directory, "final.json"), content)
    return read_result(directory)

  def _relative(self, path: str) -> str:
    return os.path.relpath(path, self.run.path)

  def _finish(self, directory: str, value: Json, timing: Timing) -> FinalResult:
    """Writes timing.json and result.json, and returns the latter."""
    content = json_files.plain({name: item for name, item in value.items() if name != "timing"})
    if content.get("export"):  # Relative to the run: a run that is moved stays what it is.
      content["export"] = self._relative(content["export"])
    json_files.write_json(json_files.join(directory, "timing.json"), timing.to_json())
    path = json_files.join(directory, "result.json")
    result = FinalResult.from_json(content, path)
    json_files.write_json(path, result.to_json())
    return result


def read_asked(directory: str) -> FinalAsked | None:
  """Returns the content of final.json, None where there is none; UserError if it is damaged."""
  return record_files.read(json_files.join(directory, "final.json"), FinalAsked)


def read_result(directory: str) -> FinalResult | None:
  """Returns the content of final/result.json, None where there is none; UserError if it is
  damaged."""
  return record_files.read(json_files.join(directory, "result.json"), FinalResult)


def where_exported(run: RunDirectory, export: str) -> str:
  """Says where a SavedModel is, or that it is gone; `export` is relative to the run."""
  path = json_files.join(run.path, export)
  if json_files.exists(path):
    return f"exported to {path}"
  return (
    f"the SavedModel {path} is not there any more; make it again with python -m "
    f"official.export --model_dir={run.path} --output_dir={os.path.dirname(path)}"
  )


def _clear(directory: str, keep: Iterable[str]) -> None:
  if not keep or json_files.is_url(directory):
    json_files.remove_tree(directory)
    return
  for name in set(json_files.names(directory)) - set(keep):
    path = json_files.join(directory, name)
    json_files.remove_tree(path) if os.path.isdir(path) else os.unlink(path)


def _stopped(ended: Ended) -> judge.SearchStopped:
  log = json_files.join(ended.job.task.directory, "log.txt")
  return judge.SearchStopped(
    f"the {ended.job.label} did not succeed: {ended.verdict.reason} "
    f"({log} has the details); the same command tries again"
  )


def _ranked(results: Mapping[int, FinalResult], fitness: str) -> list[int]:
  """Returns the candidates, the best after its final training first; ties as in the search."""

  def rank(item: tuple[int, int]) -> tuple[float, float, int]:
    place, number = item
    reached = _fitness(results[number], fitness)
    return fitness_lib.rank(
      -math.inf if math.isnan(reached) else reached,
      fitness_lib.loss(_validation(results[number])),
      place,
    )

  return [number for _, number in sorted(enumerate(results), key=rank)]


def _validation(result: FinalResult) -> Metrics:
  return (result.metrics or {})["validation"]


def _fitness(result: FinalResult, fitness: str) -> float:
  return fitness_lib.compute(fitness, _validation(result))


def _member(
  number: int, result: FinalResult, fitness: str, export: str | None = None
) -> FinalMember:
  """Returns what final/result.json says of one of several."""
  return FinalMember(
    candidate=number,
    fitness=_fitness(result, fitness),
    metrics=result.metrics,
    params=result.params,
    multiply_adds=result.multiply_adds,
    latency_ms=result.latency_ms,
    export=export,
  )
