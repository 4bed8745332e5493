"""Evaluators that stand for trainings: picklable functions on real files, in real processes.

`Training` computes a chain of hashes, a link a step, and keeps checkpoints as a training does; so
its result is the same whether or not it was interrupted, and different if a step was lost.
"""

from collections.abc import Mapping
import dataclasses
import errno
import hashlib
import json
import os
import random
import re
import signal
import tempfile
import time

from data_prep.common import cli
from official.architecture import cost
from official.architecture import guidance
from official.architecture import space as space_lib
from official.search import settings as settings_lib

CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)
PRELOAD = ("official.search.loop", "search_fakes")


def small_space() -> space_lib.SearchSpace:
  """Returns the space that the tests search."""
  return space_lib.load_space("small")


def settings(**changes) -> settings_lib.SearchSettings:
  """Returns the numbers of a search of eight candidates."""
  return settings_lib.SearchSettings(
    **{"population_size": 4, "tournament_size": 2, "rounds": 4, "seed": 1, **changes}
  )


@dataclasses.dataclass(frozen=True)
class Training:
  """A training of `steps` steps with checkpoints, resumed from the newest.

  After `gate_step` steps it waits until there is a file `go` in the folder of the search.
  """

  steps: int = 10
  seconds_a_step: float = 0.0
  checkpoint_steps: int = 5
  gate_step: int | None = None

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    training = os.path.join(directory, "training")
    os.makedirs(training, exist_ok=True)
    step, state = _newest(training) or (0, f"{candidate['seed']}")
    with open(os.path.join(directory, "starts.txt"), "a", encoding="utf-8") as file:
      file.write(f"{step}\n")
    steps = candidate.get("stop_at", self.steps)
    gate = os.path.join(directory, os.pardir, os.pardir, "go")
    while step < steps:
      while step == self.gate_step and not os.path.exists(gate):
        time.sleep(0.05)
      time.sleep(self.seconds_a_step)
      step, state = step + 1, hashlib.sha256(state.encode()).hexdigest()
      if step % self.checkpoint_steps == 0 or step == steps:
        _save(training, step, state)
      progress = {"phase": "training", "step": step, "steps": steps}
      _write(os.path.join(directory, "progress.json"), json.dumps(progress))
    return result(candidate, random.Random(state))


@dataclasses.dataclass(frozen=True)
class Inheriting(Training):
  """A training that begins with its parent's last checkpoint, and fails where there is none."""

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    steps, seed = candidate["lineage_steps"], candidate["seed"]
    if candidate["parent"] is not None and not os.path.exists(
      os.path.join(directory, "starts.txt")
    ):
      beside = os.path.join(os.path.dirname(directory), f"{candidate['parent']:06d}", "training")
      parent = _newest(beside)
      if parent is None:
        return {"status": "failed", "reason": f"there are no weights in {beside}"}
      seed = f"{seed} {parent[1]}"
    value = super().__call__({**candidate, "seed": seed}, directory)
    return {**value, "lineage_steps": steps + self.steps}


def _newest(training: str) -> tuple[int, str] | None:
  steps = [
    int(match[1])
    for name in os.listdir(training)
    if (match := re.fullmatch(r"ckpt-(\d+)\.index", name))
  ]
  if not steps:
    return None
  with open(os.path.join(training, f"ckpt-{max(steps)}.index"), encoding="utf-8") as file:
    return max(steps), file.read()


def _save(training: str, step: int, state: str) -> None:
  _write(os.path.join(training, f"ckpt-{step}.index"), state)
  _write(os.path.join(training, "checkpoint"), f'model_checkpoint_path: "ckpt-{step}"\n')


def _write(path: str, text: str) -> None:
  with open(path + ".new", "w", encoding="utf-8") as file:
    file.write(text)
  os.replace(path + ".new", path)


def result(candidate: Mapping, rng: random.Random, **changes) -> dict:
  """Returns a result of numbers from `rng` for a candidate."""
  return {
    "status": "ok",
    "reason": None,
    "metrics": {
      "accuracy": rng.randrange(20) / 20,
      "top5_accuracy": rng.random(),
      "loss": rng.random(),
    },
    "connection_weights": [
      {**connection, "start": 0.5, "end": rng.random()}
      for connection in candidate["architecture"]["connections"]
    ],
    "params": 1234,
    "multiply_adds": 56789,
    "timing": {"seconds": rng.random()},
    **changes,
  }


def quick(candidate: Mapping, directory: str) -> dict:
  """Is done at once."""
  del directory
  return result(candidate, random.Random(candidate["seed"]))


def costly(candidate: Mapping, directory: str) -> dict:
  """Costs more the more connections there are, and is done at once."""
  return _with_costs(candidate, quick(candidate, directory))


def trained_with_costs(candidate: Mapping, directory: str) -> dict:
  """Trains with checkpoints; costs more the more connections there are."""
  return _with_costs(candidate, Training(seconds_a_step=0.02)(candidate, directory))


def _with_costs(candidate: Mapping, value: dict) -> dict:
  size = len(candidate["architecture"]["connections"])
  return {**value, "multiply_adds": 1000 * size**2, "params": 10 * size, "latency_ms": size / 8}


def guidances_known(candidate: Mapping, directory: str) -> dict:
  """Says which guidances this process knows."""
  del candidate, directory
  return {"names": guidance.names()}


def with_sensitivities(candidate: Mapping, directory: str) -> dict:
  """Measures what cutting each connection would cost, too."""
  value = quick(candidate, directory)
  rng = random.Random(candidate["seed"] + 1)
  return {
    **value,
    "sensitivities": [
      {**connection, "value": rng.random()}
      for connection in candidate["architecture"]["connections"]
    ],
  }


def echo(candidate: Mapping, directory: str) -> dict:
  """Returns what it was given."""
  return {"status": "ok", "echo": candidate, "directory": directory, "pid": os.getpid()}


def waits(candidate: Mapping, directory: str) -> dict:
  """Makes a file `waits` in its folder, continues when there is a file `until`, and returns what it
  was given."""
  _write(os.path.join(directory, "waits"), "")
  while not os.path.exists(candidate["until"]):
    time.sleep(0.02)
  return echo(candidate, directory)


def prints(candidate: Mapping, directory: str) -> dict:
  """Prints as Python does and as a library written in C does."""
  print("from Python", flush=True)
  os.write(2, b"from C\n")
  return {"status": "ok"}


def leaves_temporary_files(candidate: Mapping, directory: str) -> dict:
  """Leaves a temporary file and says where."""
  with tempfile.NamedTemporaryFile(delete=False) as file:
    return {"path": file.name}


def killed_once(candidate: Mapping, directory: str) -> dict:
  """Is killed the first time."""
  marker = os.path.join(directory, "was_killed")
  if not os.path.exists(marker):
    _write(marker, "")
    os.kill(os.getpid(), signal.SIGKILL)
  return quick(candidate, directory)


def killed(candidate: Mapping, directory: str) -> dict:
  """Is killed every time."""
  os.kill(os.getpid(), signal.SIGKILL)
  raise AssertionError("unreachable")


def exits_137(candidate: Mapping, directory: str) -> dict:
  """Leaves as a container does that was killed for its memory."""
  os._exit(137)


def exits_3(candidate: Mapping, directory: str) -> dict:
  """Leaves without a word."""
  os._exit(3)


class Unpicklable(Exception):
  """Cannot be pickled, and cannot say what it is."""

  def __init__(self):
    super().__init__("a lambda", lambda: None)

  def __str__(self) -> str:
    raise RuntimeError("no text")


def raises_unpicklable(candidate: Mapping, directory: str) -> dict:
  """Raises what cannot cross a process boundary."""
  raise Unpicklable


def raises(candidate: Mapping, directory: str) -> dict:
  """Raises always the same, with a text that differs."""
  raise ValueError(f"no such thing as {candidate.get('seed')}")


def returns_a_lambda(candidate: Mapping, directory: str) -> dict:
  """Returns what is no plain data."""
  return {"status": "ok", "metrics": lambda: None}


def runs_out_of_memory(candidate: Mapping, directory: str) -> dict:
  """Does not fit."""
  raise MemoryError


def diverges(candidate: Mapping, directory: str) -> dict:
  """Has a loss that is not a number."""
  metrics = {"accuracy": 0.5, "top5_accuracy": 0.5, "loss": float("nan")}
  return result(candidate, random.Random(0), metrics=metrics)


def third_raises(candidate: Mapping, directory: str) -> dict:
  """Raises for candidate 2 and for no other."""
  return raises(candidate, directory) if candidate["number"] == 2 else quick(candidate, directory)


def final(candidate: Mapping, directory: str) -> dict:
  """A final training."""
  value = Training(steps=20, seconds_a_step=0.01)(candidate, directory)
  run = os.path.dirname(directory)
  os.makedirs(os.path.join(run, "export", "1"), exist_ok=True)
  return {
    **value,
    "metrics": {"validation": value["metrics"]},
    "export": os.path.join(run, "export", "1"),
  }


def joining(joined, directory):
  """Says in `chosen` whom it was given."""
  run = os.path.dirname(os.path.dirname(directory))
  value = {
    "status": "ok",
    "reason": None,
    "export": os.path.join(run, "export", "1"),
    "chosen": [member["candidate"] for member in joined["members"]],
  }
  return {**value, "metrics": {"validation": {"accuracy": 0.7}}} if joined["evaluate"] else value


def final_of_front(candidate: Mapping, directory: str) -> dict:
  """A final training of one of several, with costs."""
  value = trained_with_costs(candidate, directory)
  return {**value, "metrics": {"validation": value["metrics"]}}


def joining_of_front(joined, directory):
  """Makes a folder for a member, the next version."""
  run = os.path.dirname(os.path.dirname(directory))
  base = joined["export_dir"] or os.path.join(run, "export")
  os.makedirs(base, exist_ok=True)
  folder = os.path.join(base, str(len(os.listdir(base)) + 1))
  os.mkdir(folder)
  (member,) = joined["members"]
  _write(os.path.join(folder, "candidate"), str(member["candidate"]))
  return {"status": "ok", "reason": None, "export": folder}


def final_killed_once(candidate: Mapping, directory: str) -> dict:
  """A final training that is killed the first time."""
  killed_once(candidate, directory)
  return final(candidate, directory)


def slow_first(candidate: Mapping, directory: str) -> dict:
  """Takes its time for candidate 0 and is quick with the others."""
  if candidate["number"] == 0:
    others = os.path.join(os.path.dirname(directory), "000007", "result.json")
    while not os.path.exists(others):
      time.sleep(0.05)
  return quick(candidate, directory)


def diverged(candidate: Mapping, directory: str) -> dict:
  """Finds its candidate infeasible."""
  return {"status": "infeasible", "reason": "diverged at step 3"}


def exits_137_once(candidate: Mapping, directory: str) -> dict:
  """Leaves as a container does that was killed for its memory, the first time."""
  marker = os.path.join(directory, "was_killed")
  if not os.path.exists(marker):
    _write(marker, "")
    os._exit(137)
  return echo(candidate, directory)


def shares(candidate: Mapping, directory: str) -> dict:
  """Waits as `waits` does, and returns the cores and GPUs that it may use."""
  waits(candidate, directory)
  return {"cores": sorted(os.sched_getaffinity(0)), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}


def interrupts_itself(candidate: Mapping, directory: str) -> dict:
  """Gets the signal that a terminal sends on Ctrl-C."""
  os.kill(os.getpid(), signal.SIGINT)
  return echo(candidate, directory)


def leaves_on_sigterm(candidate: Mapping, directory: str) -> dict:
  """Ends its step when it is asked to leave, as a training does."""
  asked = []
  signal.signal(signal.SIGTERM, lambda *unused: asked.append(True))
  _write(os.path.join(directory, "waits"), "")
  while not asked:
    time.sleep(0.05)
  time.sleep(4)
  _write(os.path.join(directory, "left"), "")
  return {"status": "ok"}


def finds_a_full_disk(candidate: Mapping, directory: str) -> dict:
  """Cannot write, unless somebody has made room: the file `room` in the run's folder."""
  run = os.path.dirname(os.path.dirname(directory))
  if not os.path.exists(os.path.join(run, "room")):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.path.join(directory, "training"))
  return quick(candidate, directory)


def misses_a_stream(candidate: Mapping, directory: str) -> dict:
  """Finds what a user can mend."""
  raise cli.UserError("the clip 'a' has no frames of the stream 'flow'; prepare the dataset again")
