"""Twenty kills of one search with two workers: nothing finished is lost, nothing is trained twice.

Victims are drawn: a worker, or the driver (its workers follow it), or the driver with its whole
process group. So is the moment: when a candidate has so many checkpoints more than it began with,
and a little later, however fast the machine is. The search has rounds in plenty while it is
being killed, and none left when it is started for the last time.
"""

import collections
from collections.abc import Iterator
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import evolve_runs
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

_KILLS = 20
_CHECKPOINT_STEPS = 5
_STEPS = 60
_FLAGS = [
  "--population_size=3",
  "--tournament_size=2",
  f"--candidate_steps={_STEPS}",
  f"--checkpoint_steps={_CHECKPOINT_STEPS}",
  "--final_steps=5",
  "--workers=2",
  "--threads_per_candidate=1",
  "--num_frames=4",
  "--image_size=16",
  "--batch_size=4",
  f"--max_retries={_KILLS}",
]
_LEVEL = {
  "kinds": ["basic_2plus1d"],
  "blocks": 1,
  "channels": [4],
  "min_channels": 4,
  "modules": 1,
  "spatial_strides": [1],
}
_SPACE = {
  "name": "smallest",
  "stems": [[{"kind": "stem_2d", "streams": ["rgb"], "channels": 4, "spatial_stride": 4}]],
  "levels": [_LEVEL, _LEVEL],
  "temporal_dilations": [1, 2],
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interruption:
  """A candidate that was in flight when it, or its driver, was killed.

  Attributes:
    candidate: Its name.
    starts: How many trainings of it had begun.
    step: Step of the newest checkpoint on disk when nobody was training it any more.
  """

  candidate: str
  starts: int
  step: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kill:
  """The state on disk after a kill: results, and candidates whose training it ended."""

  finished: dict[str, tuple[int, int, bytes]]
  interrupted: tuple[Interruption, ...]


@pytest.fixture(scope="module")
def killed(sample_dataset, tmp_path_factory) -> tuple[pathlib.Path, list[Kill]]:
  """The folder of the search, whole at last, and its kills."""
  folder = tmp_path_factory.mktemp("killed")
  run, space = folder / "run", folder / "space.json"
  space.write_text(json.dumps(_SPACE))
  flags = [*_FLAGS, f"--search_space={space}"]
  draw = random.Random(3)
  victims = ["worker"] * 16 + ["driver"] * 2 + ["all"]
  draw.shuffle(victims)
  kills: list[Kill] = []
  driver = None
  try:
    for victim in (*victims, "all"):
      driver = driver or evolve_runs.start(sample_dataset, run, [*flags, "--rounds=1000"])
      name = _something_to_lose(run, driver, draw)
      kills.append(_kill(victim, run, driver, name))
      driver = driver if victim == "worker" else None
    driver = evolve_runs.start(sample_dataset, run, [*flags, "--rounds=0"])
    assert driver.wait(evolve_runs.LONGEST) == 0, evolve_runs.said(run)
  finally:
    if driver is not None and driver.poll() is None:
      os.killpg(driver.pid, signal.SIGKILL)
      driver.wait()
  return run, kills


def _something_to_lose(run: pathlib.Path, driver: subprocess.Popen, draw: random.Random) -> str:
  """Waits for a candidate in training that has a checkpoint, or as many newer than the one it began
  with as are drawn, and a little longer; returns its name."""
  newer = draw.choice([0, 1, 2, 3]) * _CHECKPOINT_STEPS
  deadline = time.monotonic() + evolve_runs.LONGEST
  while True:
    assert driver.poll() is None and time.monotonic() < deadline, evolve_runs.said(run)
    for name in evolve_runs.in_flight(run):
      if _alive(run, name) and _has_gained(evolve_runs.candidate(run, name), newer):
        time.sleep(draw.uniform(0, 0.4))
        if _alive(run, name):
          return name
    time.sleep(0.02)


def _has_gained(folder: pathlib.Path, steps: int) -> bool:
  """Returns whether a training has a checkpoint and, if asked, that many steps since it started."""
  newest = evolve_runs.newest_checkpoint(folder)
  if not steps or not newest:
    return bool(newest)
  began = json.loads((folder / "progress.json").read_text())["phase"] == "training"
  return began and newest >= evolve_runs.starts(folder)[-1] + steps


def _kill(victim: str, run: pathlib.Path, driver: subprocess.Popen, name: str) -> Kill:
  """Kills, waits until all who were to die are dead, and looks at what is there.

  The driver of a worker that is killed stands still meanwhile: the next worker begins afterwards.
  """
  if victim == "worker":
    with _standing_still(driver):
      with contextlib.suppress(ProcessLookupError):  # It has just come to its end.
        os.kill(_worker(run, name), signal.SIGKILL)
      return _look(run, [name])
  if victim == "driver":
    driver.kill()
  else:
    os.killpg(driver.pid, signal.SIGKILL)
  driver.wait()
  return _look(run, evolve_runs.in_flight(run))


@contextlib.contextmanager
def _standing_still(process: subprocess.Popen) -> Iterator[None]:
  process.send_signal(signal.SIGSTOP)
  try:
    yield
  finally:
    process.send_signal(signal.SIGCONT)


def _look(run: pathlib.Path, names: list[str]) -> Kill:
  """Waits until nobody trains the candidates of these names; returns what is on disk."""
  deadline = time.monotonic() + evolve_runs.LONGEST
  while any(_alive(run, name) for name in names):
    assert time.monotonic() < deadline, f"a worker outlives its driver: {names}"
    time.sleep(0.01)
  folders = {name: evolve_runs.candidate(run, name) for name in names}
  return Kill(
    finished=evolve_runs.results(run),
    interrupted=tuple(
      Interruption(
        candidate=name,
        starts=len(evolve_runs.starts(folder)),
        step=evolve_runs.newest_checkpoint(folder),
      )
      for name, folder in folders.items()
    ),
  )


def _worker(run: pathlib.Path, name: str) -> int | None:
  """Returns the process that trains a candidate, or was the last to train it."""
  lock = evolve_runs.candidate(run, name) / "lock"
  text = lock.read_text() if lock.exists() else ""
  return json.loads(text)["pid"] if text else None


def _alive(run: pathlib.Path, name: str) -> bool:
  try:
    stat = pathlib.Path(f"/proc/{_worker(run, name)}/stat").read_text()
  except FileNotFoundError:
    return False
  return stat.rpartition(") ")[2][0] != "Z"


def test_every_finished_candidate_is_kept_as_it_was(killed):
  run, kills = killed
  last = evolve_runs.results(run)
  assert kills[-1].finished
  for kill in kills:
    assert {name: last[name] for name in kill.finished} == kill.finished


def test_every_candidate_ends_with_one_result(killed):
  run, _ = killed
  results = [json.loads(content) for _, _, content in evolve_runs.results(run).values()]
  assert evolve_runs.in_flight(run) == []
  assert {result["status"] for result in results} == {"ok"}
  assert sorted(result["finish_order"] for result in results) == list(range(len(results)))
  assert (run / "final" / "result.json").exists()


def test_no_candidate_is_trained_twice(killed):
  run, kills = killed
  interruptions = collections.Counter(i.candidate for kill in kills for i in kill.interrupted)
  for name in evolve_runs.results(run):
    assert len(evolve_runs.starts(evolve_runs.candidate(run, name))) <= 1 + interruptions[name]


def test_interrupted_candidates_start_at_their_newest_checkpoint(killed):
  found = _restarts(*killed)
  assert len(found) >= _KILLS
  assert [step for _, step in found] == [interruption.step for interruption, _ in found]


def test_most_interrupted_candidates_start_above_step_zero(killed):
  steps = [step for _, step in _restarts(*killed)]
  assert sum(step > 0 for step in steps) > len(steps) / 2


def _restarts(run: pathlib.Path, kills: list[Kill]) -> list[tuple[Interruption, int]]:
  """Returns the interrupted candidates, each with the step at which its next training began; not
  those that were killed with their result on its way to the driver."""
  found = []
  for interruption in (i for kill in kills for i in kill.interrupted):
    steps = evolve_runs.starts(evolve_runs.candidate(run, interruption.candidate))
    found += [(interruption, step) for step in steps[interruption.starts :][:1]]
  return found
