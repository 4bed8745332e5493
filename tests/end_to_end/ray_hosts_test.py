"""A search on a Ray cluster of three hosts: one is cut off, one is killed, the driver is killed.

Nothing finished is lost, nobody trains beside another, and what a host was training goes on from
its newest checkpoint on another one. The trainings are chains of hashes (chained_evolve.py); the
search, its executor, Ray and the locks are the real ones.
"""

import collections
from collections.abc import Sequence
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

import chained_evolve
import evolve_runs
import hosts
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_CANDIDATES = 8
_PORT = 6379
_STARTS = 3  # Times that Ray may try to start on a host.
_LONGEST = 300  # Seconds after which whatever is waited for is taken to hang.
_CORES = {1: 8, 2: 4, 3: 4}  # By host: room for all candidates on the driver's.
# Ray takes a silent host for dead after 5 looks, one a second, which wait 2 seconds for an answer.
_HEAD = {
  "RAY_health_check_period_ms": "1000",
  "RAY_health_check_timeout_ms": "2000",
  "RAY_health_check_failure_threshold": "5",
}
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
_FLAGS = [
  "--executor=ray",
  f"--workers={_CANDIDATES}",
  "--threads_per_candidate=1",
  "--gpus_per_candidate=0",
  f"--population_size={_CANDIDATES}",
  "--tournament_size=2",
  "--rounds=0",
  "--search_space=small",
]


class Cluster:
  """A Ray cluster and the driver of a search on its first host."""

  def __init__(self, folder: pathlib.Path, data: str, network: hosts.Network):
    self.run = folder / "run"
    self._folder, self._network = folder, network
    self._flags = [f"--data_dir={data}", f"--model_dir={self.run}", *_FLAGS]
    self.hosts = {number: network.add(number) for number in _CORES}
    self.driver: subprocess.Popen | None = None
    self.join(1)
    self.join(*(number for number in _CORES if number != 1))

  def join(self, *numbers: int) -> None:
    """Makes hosts nodes of the cluster: the first host its head.

    Ray gives up where a busy machine does not start it in its time; then fresh hosts try again.
    """
    for _ in range(_STARTS):
      starting = {number: self._start_ray(number) for number in numbers}
      numbers = tuple(number for number, started in starting.items() if started.wait(_LONGEST))
      if not numbers:
        return
      for number in numbers:
        self._renew(number)
    pytest.fail((self._folder / f"ray{numbers[0]}.log").read_text())

  def _start_ray(self, number: int) -> subprocess.Popen:
    host = self.hosts[number]
    if number == 1:
      place, environment = ["--head", f"--port={_PORT}", "--include-dashboard=false"], _HEAD
    else:
      place, environment = [f"--address={self.hosts[1].address}:{_PORT}"], {}
    command = [
      *(sys.executable, "-m", "ray.scripts.scripts", "start", *place),
      f"--node-ip-address={host.address}",
      f"--num-cpus={_CORES[number]}",
      "--object-store-memory=80000000",
      "--disable-usage-stats",
    ]
    return self._start(number, command, f"ray{number}.log", environment)

  def replace(self, number: int) -> None:
    """Puts a fresh host in the place of one."""
    self._renew(number)
    self.join(number)

  def _renew(self, number: int) -> None:
    self.hosts[number].kill()
    self.hosts[number] = self._network.add(number)

  def start_driver(self) -> None:
    """Starts the search, or resumes it."""
    program = pathlib.Path(chained_evolve.__file__)
    address = f"--ray_address={self.hosts[1].address}:{_PORT}"
    command = [sys.executable, str(program), *self._flags, address]
    self.driver = self._start(1, command, self.run.with_suffix(".log").name, {})

  def _start(
    self, number: int, command: list[str], log: str, environment: dict[str, str]
  ) -> subprocess.Popen:
    path = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return self.hosts[number].start(
      command, self._folder / log, {**_ENVIRONMENT, **path, **environment}
    )

  def on(self, number: int) -> list[str]:
    """Returns the candidates in flight that a host was the last to train."""
    return [
      name
      for name in evolve_runs.in_flight(self.run)
      if self._holder(name) == self.hosts[number].name
    ]

  def _holder(self, name: str) -> str | None:
    lock = evolve_runs.candidate(self.run, name) / "lock"
    text = lock.read_text() if lock.exists() else ""
    return json.loads(text)["host"] if text else None

  def wait(self, condition) -> None:
    """Waits until a condition holds, while the driver is alive."""
    deadline = time.monotonic() + _LONGEST
    while not condition():
      assert self.driver.poll() is None and time.monotonic() < deadline, evolve_runs.said(self.run)
      time.sleep(0.05)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss:
  """What a candidate had when its host, or its driver, was lost.

  Attributes:
    candidate: Its name.
    starts: How many trainings of it had begun.
    step: Step of its newest checkpoint.
  """

  candidate: str
  starts: int
  step: int


def _starts(run: pathlib.Path, name: str) -> list[int]:
  """Returns the steps at which the trainings of a candidate began."""
  path = evolve_runs.candidate(run, name) / "starts.txt"
  return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def _losses(run: pathlib.Path, names: Sequence[str]) -> list[Loss]:
  """Returns what candidates have."""
  return [
    Loss(
      candidate=name,
      starts=len(_starts(run, name)),
      step=evolve_runs.newest_checkpoint(evolve_runs.candidate(run, name)),
    )
    for name in names
  ]


def _halfway(run: pathlib.Path) -> int:
  """Returns how many candidates are at the step at which they wait."""
  losses = _losses(run, evolve_runs.in_flight(run))
  return sum(loss.step == chained_evolve.TRAINING.gate_step for loss in losses)


def _have_restarted(run: pathlib.Path, losses: Sequence[Loss]) -> bool:
  """Returns whether every lost candidate is trained again."""
  return all(len(_starts(run, loss.candidate)) > loss.starts for loss in losses)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
  """A search to which everything happened.

  Attributes:
    run: Its folder.
    cut_off, killed, orphaned: Candidates on the host that was cut off, on the one that was killed,
      and of the driver that was killed.
    status: Exit status of the last driver.
  """

  run: pathlib.Path
  cut_off: list[Loss]
  killed: list[Loss]
  orphaned: list[Loss]
  status: int


@pytest.fixture(scope="module")
def searched(sample_dataset, tmp_path_factory) -> Search:
  """Searches, and has everything happen to it."""
  folder = tmp_path_factory.mktemp("ray")
  with hosts.network() as network:
    cluster = Cluster(folder, sample_dataset, network)
    run = cluster.run
    cluster.start_driver()
    cluster.wait(lambda: _halfway(run) == _CANDIDATES)
    cluster.hosts[3].disconnect()
    cut_off, killed = _losses(run, cluster.on(3)), _losses(run, cluster.on(2))
    cluster.replace(2)
    cluster.wait(lambda: _have_restarted(run, [*cut_off, *killed]))
    cluster.replace(3)
    cluster.driver.kill()
    cluster.driver.wait()
    orphaned = _losses(run, evolve_runs.in_flight(run))
    cluster.start_driver()
    cluster.wait(lambda: _have_restarted(run, orphaned))
    (run / "go").touch()
    status = cluster.driver.wait(_LONGEST)
  return Search(run=run, cut_off=cut_off, killed=killed, orphaned=orphaned, status=status)


def test_the_search_ends_with_a_result_of_every_candidate(searched):
  results = [json.loads(content) for _, _, content in evolve_runs.results(searched.run).values()]
  assert searched.status == 0, evolve_runs.said(searched.run)
  assert [result["status"] for result in results] == ["ok"] * _CANDIDATES
  assert evolve_runs.in_flight(searched.run) == []
  assert (searched.run / "final" / "result.json").exists()


def test_every_host_had_something_to_lose(searched):
  """Otherwise the other tests would say nothing."""
  assert searched.cut_off and searched.killed and searched.orphaned


@pytest.mark.parametrize("which", ["cut_off", "killed", "orphaned"])
def test_what_is_lost_goes_on_from_its_newest_checkpoint(searched, which):
  for loss in getattr(searched, which):
    restart = _starts(searched.run, loss.candidate)[loss.starts]
    assert restart == loss.step == chained_evolve.TRAINING.gate_step


def test_nothing_is_started_more_often_than_it_was_lost(searched):
  lost = collections.Counter(
    loss.candidate for loss in (*searched.cut_off, *searched.killed, *searched.orphaned)
  )
  for name in evolve_runs.results(searched.run):
    assert len(_starts(searched.run, name)) == 1 + lost[name]


def test_no_step_of_a_training_is_lost_or_made_twice(searched, tmp_path):
  """A result is a function of the links of a chain, one a step."""
  at_once = dataclasses.replace(chained_evolve.TRAINING, seconds_a_step=0.0, gate_step=None)
  for name, (_, _, content) in evolve_runs.results(searched.run).items():
    folder = evolve_runs.candidate(searched.run, name)
    (tmp_path / name).mkdir()
    expected = at_once(json.loads((folder / "candidate.json").read_text()), tmp_path / name)
    assert json.loads(content)["metrics"] == expected["metrics"]
