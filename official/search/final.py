"""The winner, trained to the end.

    final/final.json    which candidate, and with what settings; written before training
         /result.json   what came of it; written once
         /training, log.txt, progress.json, lock    as in a candidate's folder

The training is a task like any other: it runs in a process of its own, is resumed from its newest
checkpoint, is tried again after one signal. When a search goes on and finds a better candidate, or
when the settings change, `final/` is made anew; what was exported from the old one stays, under its
version.
"""

from collections.abc import Mapping
import os
import time
from typing import Any

from official.search import failures
from official.search import files
from official.search.console import Console
from official.search.executors.base import Evaluator
from official.search.executors.base import Executor
from official.search.executors.base import Task
from official.search.run_directory import RunDirectory

_KEY = "final"


def train(run: RunDirectory, number: int, settings: Mapping[str, Any], final_training: Evaluator,
          executor: Executor, console: Console) -> dict[str, Any]:
  """Trains candidate `number` to the end, or goes on, and returns the content of final/result.json.

  Args:
    run: Opened run directory.
    number: The winner.
    settings: Values, by flag, that the final training depends on besides the search's identity.
    final_training: Called like an evaluator, with the winner's candidate.json and final/.
    executor: Runs it.
    console: Told what happens.

  Raises:
    SearchStopped: It could not be trained.
  """
  directory = run.final_directory
  asked = files.plain({"candidate": number, **settings})
  if files.read_json(files.join(directory, "final.json")) != asked:
    files.remove_tree(directory)
    files.make_directory(directory)
    files.write_json(files.join(directory, "final.json"), asked)
  result = files.read_json(files.join(directory, "result.json"))
  if result is not None:
    return result
  started = time.time()
  value = _run(run.read_candidate(number), directory, final_training, executor, console)
  result = {name: item for name, item in value.items() if name != "timing"}
  if result.get("export"):  # Relative to the run: a run that is moved stays what it is.
    result["export"] = os.path.relpath(result["export"], run.path)
  files.write_json(files.join(directory, "timing.json"), {
      **(value.get("timing") or {}),
      "started_at": round(started, 3),
      "finished_at": round(time.time(), 3)})
  files.write_json(files.join(directory, "result.json"), result)
  return files.plain(result)


def _run(candidate: Mapping[str, Any], directory: str, final_training: Evaluator,
         executor: Executor, console: Console) -> Mapping[str, Any]:
  """Returns what the final training returned, after one more try if a signal ended the first."""
  task = Task(key=_KEY, function=final_training, candidate=candidate, directory=directory)
  for _ in range(1 + failures.MAX_RETRIES):
    console.begin(_KEY, f"final training of candidate {candidate['number']:06d}", directory)
    executor.submit(task)
    outcome = executor.wait_any()
    if outcome.kind == "returned" and outcome.value.get("status") == "ok":
      console.end(_KEY, "finished")
      return outcome.value
    reason = outcome.reason or (outcome.value or {}).get("reason")
    console.end(_KEY, reason)
    if outcome.kind != "killed":
      break
  raise failures.SearchStopped(
      f"the final training of candidate {candidate['number']:06d} did not succeed: {reason} "
      f"({files.join(directory, 'log.txt')} has the details); the same command tries again")
