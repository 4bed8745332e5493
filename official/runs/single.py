"""One training of one architecture as a run of its own: `official.train`.

    train.json       {"format_version", "identity": {flag: value}, "operation": {flag: value}}
    training/, log.txt, progress.json, lock    as in a candidate's folder
    result.json      what came of it; written once, last
    timing.json      seconds, and every start (date, version, command; see provenance.py)
    export/1/        the SavedModel
    workers/1/       log.txt and progress.json of the other processes of a distributed training

As in a search, identity decides what is found: other values are refused by the name of the flag.
Operation (hardware, threads) may change between two starts.
"""

from collections.abc import Callable
import dataclasses
import json
import os
import signal
import sys
import types

from data_prep.common import cli
from data_prep.common import files as data_files
from official.runs import identity as identity_lib
from official.runs import json_files
from official.runs import locks
from official.runs import provenance
from official.runs import record_files
from official.runs.console import Console
from official.runs.executors.base import Evaluator
from official.runs.final_records import FinalResult
from official.runs.json_files import Json
from official.runs.records import RunFlags
from official.runs.records import Timing

_LIKE = (
  'it is like {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
)


def process_index(tf_config: str | None) -> int:
  """Returns the number that TF_CONFIG gives a process among those that train together.

  0 is the chief, who writes what comes of the training: for TensorFlow the task of type `chief`,
  without such a one worker 0.

  Raises:
    UserError: It is not set, or cannot be read.
  """
  if not tf_config:
    raise cli.UserError(
      "--distribution_strategy=multi_worker_mirrored, and TF_CONFIG, which says who train "
      f"together, is not set; {_LIKE}"
    )
  try:
    data = json.loads(tf_config)
    cluster, task = data["cluster"], data["task"]
    tasks = [
      (kind, index) for kind in ("chief", "worker") for index in range(len(cluster.get(kind, ())))
    ]
    return tasks.index((task["type"], int(task["index"])))
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise cli.UserError(
      f"TF_CONFIG={tf_config:.80} names no task of its own cluster ({error}); {_LIKE}"
    ) from error


def recorded(model_dir: str) -> RunFlags | None:
  """Returns the content of train.json, None where nothing was trained yet.

  Raises:
    UserError: The folder is a search's, or train.json is damaged.
  """
  if json_files.exists(json_files.join(model_dir, "search.json")):
    raise cli.UserError(f"--model_dir={model_dir} is the folder of a search; give another one")
  return record_files.read(json_files.join(model_dir, "train.json"), RunFlags)


class _Result(FinalResult):
  """The result of the training, which exists only if the training has succeeded."""

  REMEDY = "delete it, so that the training is finished again"


def run(
  *,
  model_dir: str,
  candidate: Json,
  training: Evaluator,
  check: Callable[[], object],
  identity: Json,
  operation: Json,
  index: int,
  defaults: Json = types.MappingProxyType({}),
) -> int:
  """Starts or resumes the training, or prints its result; returns the exit status.

  Args:
    model_dir: Folder of the training.
    candidate: `architecture` (JSON) and `seed`.
    training: Called with the candidate and the folder of this process.
    check: Called before anything is made; raises UserError where the training cannot begin.
    identity: Values, by flag, that decide the outcome.
    operation: Values, by flag, that do not.
    index: Number of this process (process_index).
    defaults: Values, by flag, that a training has which was begun before there was such a flag.

  Raises:
    UserError: The folder belongs to another training, what is in it is damaged, it cannot be
      written, or somebody is at work in it.
  """
  asked = json_files.plain(dict(identity))
  found = recorded(model_dir)
  if found is not None:
    identity_lib.check(found.identity, asked, model_dir, json_files.plain(dict(defaults)))
  result = record_files.read(_result_path(model_dir), _Result)
  if result is not None:
    _tell_finished(model_dir, result)
    return 0
  check()
  is_chief = index == 0
  directory = model_dir if is_chief else json_files.join(model_dir, "workers", str(index))
  _check_writable(directory, model_dir)
  json_files.make_directory(directory)  # Behind a URL nothing was made.
  try:
    with locks.locked(directory):
      if is_chief:
        flags = RunFlags(identity=asked, operation=operation)
        json_files.write_json(json_files.join(model_dir, "train.json"), flags.to_json())
        provenance.record_start(model_dir)
      value = _train(training, candidate, directory)
      if is_chief and value["status"] == "ok":
        result = _record(model_dir, value)
  except locks.Held as held:
    raise cli.UserError(
      f"another training is at work in {directory} ({held.holder}); "
      "wait for it, or give another --model_dir"
    ) from held
  if value["status"] != "ok":
    return _tell_stopped(value, directory)
  if result is not None:
    print(_summary(model_dir, result))
  return 0


def _check_writable(directory: str, model_dir: str) -> None:
  """Raises UserError unless the folder of this process, which is made, can be written."""
  what = f"--model_dir={model_dir}"
  data_files.check_writable(directory, what, keep=True)
  for name in ("training", "export", "weights"):
    data_files.check_writable(json_files.join(directory, name), what)


def _tell_stopped(value: Json, directory: str) -> int:
  """Says why the training did not succeed, and returns the exit status."""
  print(
    f"stopped: the training did not succeed: {value['reason']} "
    f"({json_files.join(directory, 'log.txt')} has the details)",
    file=sys.stderr,
    flush=True,
  )
  return 1


def _result_path(model_dir: str) -> str:
  return json_files.join(model_dir, "result.json")


def _record(model_dir: str, value: Json) -> _Result:
  """Writes timing.json and result.json, and returns the latter."""
  content = json_files.plain({name: item for name, item in value.items() if name != "timing"})
  content["export"] = os.path.relpath(content["export"], model_dir)
  path = _result_path(model_dir)
  timing = Timing.from_json(value.get("timing") or {}, "the training's timing")
  provenance.write(
    model_dir, dataclasses.replace(provenance.read(model_dir), others=timing.to_json())
  )
  result = _Result.from_json(content, path)
  json_files.write_json(path, result.to_json())
  return result


def _tell_finished(model_dir: str, result: _Result) -> None:
  """Prints the result of a training that was finished before.

  Raises:
    UserError: The result does not say where the SavedModel is.
  """
  path = _result_path(model_dir)
  if result.export is None or result.metrics is None:
    lacking = "export" if result.export is None else "metrics"
    raise cli.UserError(f"{path} is damaged: {lacking} is missing; {result.REMEDY}")
  *lines, exported = _summary(model_dir, result).splitlines()
  export = json_files.join(model_dir, result.export)
  if not json_files.exists(export):
    exported = (
      f"the SavedModel {export} is not there any more; delete {path} and run "
      "the same command, which makes it again from the newest checkpoint"
    )
  print("\n".join([*lines, exported]))


def _train(training: Evaluator, candidate: Json, directory: str) -> dict[str, object]:
  """Runs the training; Ctrl-C is taken for SIGTERM, at which it leaves with a checkpoint."""

  def leave(*unused: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    print(
      "leaving with a checkpoint; the same command resumes from it", file=sys.stderr, flush=True
    )
    os.kill(os.getpid(), signal.SIGTERM)

  before = signal.signal(signal.SIGINT, leave)
  try:
    with Console() as console:
      console.begin("training", "training", directory)
      result = dict(training(candidate, directory))
      console.end("training", str(result.get("reason") or "finished"))
      return result
  finally:
    signal.signal(signal.SIGINT, before)


def _summary(model_dir: str, result: FinalResult) -> str:
  """Returns what is printed of a finished training."""
  lines = result.lines()
  report = json_files.join(model_dir, "report.txt")
  if json_files.exists(report):
    lines.append(f"report: {report}")
  return "\n".join([*lines, f"export: {json_files.join(model_dir, result.export or '')}"])
