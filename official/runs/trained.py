"""The trained networks of a run: the places of weights that could be exported.

Weights are those of a final training (final/training, or final/000012/training where several were
trained to the end), else those with which the search left a candidate, which it keeps of the best
alone.
"""

from collections.abc import Iterable

from data_prep.common import cli
from official.runs import final_training as final_lib
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs.final_records import TrainedNetwork
from official.runs.records import Result
from official.runs.run_directory import RunDirectory


def members(
  run: RunDirectory, *, candidate: int | None, ensemble: int | None
) -> list[TrainedNetwork]:
  """Returns what is to be exported.

  Args:
    run: A run with a search.json.
    candidate: Its number.
    ensemble: How many of the best, where there is no number; without either it is what the final
      training came to.

  Raises:
    UserError: There is no such candidate, or its weights are not there.
  """
  final = _final_folders(run)
  if candidate is not None:
    return [_member(run, candidate, final)]
  if ensemble is not None:
    best = [
      number
      for number in ranked(map(run.read_finished, range(run.count())))
      if _has_weights(_training(run, number, final))
    ]
    if len(best) < ensemble:
      raise cli.UserError(
        f"--ensemble={ensemble}, and {run.path} has the weights of {len(best)} candidates; "
        "give a smaller number, or search with more --keep_checkpoints"
      )
    return [_member(run, number, final) for number in best[:ensemble]]
  result = final_lib.read_result(run.final_directory)
  if result is None:
    raise cli.UserError(
      f"{run.path} has no finished final training; let official.evolve end, or "
      "give --candidate or --ensemble"
    )
  if result.final == "ensemble":
    return [_member(run, member.candidate, final) for member in result.members or ()]
  if result.candidate is None:
    path = json_files.join(run.final_directory, "result.json")
    raise cli.UserError(
      f"{path} is damaged: it names no candidate; delete it and run official.evolve again"
    )
  return [_member(run, result.candidate, final)]


def _final_folders(run: RunDirectory) -> dict[int, str]:
  """Returns the folder of every candidate that was trained to the end."""
  directory = run.final_directory
  asked = final_lib.read_asked(directory)
  folders: dict[int, str] = {}
  if asked is not None and asked.candidate is not None:
    folders = {asked.candidate: directory}
  elif asked is not None:
    folders = {number: json_files.join(directory, f"{number:06d}") for number in asked.numbers}
  return {
    number: folder
    for number, folder in folders.items()
    if json_files.exists(json_files.join(folder, "result.json"))
  }


def _training(run: RunDirectory, number: int, final: dict[int, str]) -> str:
  return json_files.join(final.get(number) or run.candidate_directory(number), "training")


def _member(run: RunDirectory, number: int, final: dict[int, str]) -> TrainedNetwork:
  if not 0 <= number < run.count():
    raise cli.UserError(f"{run.path} has no candidate {number}; it has 0 to {run.count() - 1}")
  training = _training(run, number, final)
  if not _has_weights(training):
    raise cli.UserError(
      f"the weights of candidate {number:06d} are not there: {training} has no checkpoint; the "
      "search keeps those of the best --keep_checkpoints, give one of them"
    )
  candidate = run.read_proposal(number)
  return TrainedNetwork(
    candidate=number,
    seed=candidate.seed,
    architecture=candidate.architecture,
    training=training,
  )


def _has_weights(training: str) -> bool:
  return json_files.exists(json_files.join(training, "checkpoint"))


def ranked(results: Iterable[Result | None]) -> list[int]:
  """Returns the numbers of the feasible candidates of a search, best first."""
  ranks = {
    result.number: fitness_lib.rank(result.fitness, result.loss, result.finish_order or 0)
    for result in results
    if result is not None and result.status == "ok" and result.fitness is not None
  }
  return sorted(ranks, key=lambda number: ranks[number])
