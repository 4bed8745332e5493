"""One training on two hosts, whose network is cut and one of which is replaced by another.

What a scheduler does is done here: when a process ends with status 1, all are started again with
the same command. The training ends with the bits of one that nothing happened to.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import time

import evolve_runs
import hosts
import pytest

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_STEPS = 120
_CHECKPOINT_STEPS = 20
_PORT = 2222
_STEM = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=4, streams=("rgb",))
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4, spatial_stride=2)
_SHORT, _LONG = 5, 60  # Seconds without a network.


@dataclasses.dataclass(frozen=True)
class End:
  """The end of a process: its exit status, and the lines that it has printed."""

  status: int
  lines: list[str]


class Training:
  """A training of one process on each of two hosts, in a folder that the hosts share."""

  def __init__(self, folder: pathlib.Path, data: str, network: hosts.Network):
    self.run = folder / "run"
    self.network = network
    self.hosts = [network.add(1), network.add(2)]
    self.processes: list[subprocess.Popen] = []
    architecture = folder / "architecture.json"
    architecture.write_text(
      json.dumps(
        serialization.to_json(Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),)))
      )
    )
    self._command = [
      *(sys.executable, "-m", "official.train"),
      f"--architecture={architecture}",
      f"--data_dir={data}",
      f"--model_dir={self.run}",
      "--distribution_strategy=multi_worker_mirrored",
      "--batch_size=4",
      "--num_frames=4",
      "--image_size=16",
      "--threads=1",
      f"--train_steps={_STEPS}",
      f"--checkpoint_steps={_CHECKPOINT_STEPS}",
    ]

  def start(self) -> None:
    """Starts the processes, for the first time or again."""
    workers = [f"{host.address}:{_PORT}" for host in self.hosts]
    self.processes = []
    for index, host in enumerate(self.hosts):
      task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
      self._log(index).write_text("")
      environment = {"TF_CONFIG": json.dumps(task)}
      self.processes.append(host.start(self._command, self._log(index), environment))

  def _log(self, index: int) -> pathlib.Path:
    return self.run.with_name(f"{index}.log")

  def said(self, index: int) -> str:
    """Returns what a process has said since it was started."""
    return self._log(index).read_text()

  def newest(self) -> int:
    """Returns the step of the newest checkpoint."""
    return evolve_runs.newest_checkpoint(self.run)

  def wait_for_checkpoint(self, step: int) -> None:
    """Waits until there is one of that step, or of a later one."""
    deadline = time.monotonic() + evolve_runs.LONGEST
    while self.newest() < step:
      alive = [process.poll() is None for process in self.processes]
      assert all(alive) and time.monotonic() < deadline, self.said(0) + self.said(1)
      time.sleep(0.05)

  def end(self, index: int) -> "End":
    """Waits for the end of a process."""
    status = self.processes[index].wait(evolve_runs.LONGEST)
    return End(status=status, lines=self.said(index).splitlines())


@contextlib.contextmanager
def _training(folder: pathlib.Path, data: str) -> Iterator[Training]:
  folder.mkdir()
  with hosts.network() as network:
    yield Training(folder, data, network)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disturbed:
  """What was seen of a training to which everything happened.

  Attributes:
    undisturbed: Folder of a training to which nothing happened.
    run: Its own.
    short: Steps of the newest checkpoint when the network was away for a short time, and when the
      same processes had gone on.
    long: Ends of the processes when it was away for longer.
    killed: End of the process whose partner's host was killed.
    starts: Steps from which the processes went on that were started again.
    last: Ends of the processes at last.
  """

  undisturbed: pathlib.Path
  run: pathlib.Path
  short: tuple[int, int]
  long: list[End]
  killed: End
  starts: list[int]
  last: list[End]


@pytest.fixture(scope="module")
def seen(sample_dataset, tmp_path_factory) -> Disturbed:
  """Trains twice, undisturbed and disturbed."""
  folder = tmp_path_factory.mktemp("hosts")
  with (
    _training(folder / "undisturbed", sample_dataset) as undisturbed,
    _training(folder / "disturbed", sample_dataset) as training,
  ):
    training.start()
    training.wait_for_checkpoint(_CHECKPOINT_STEPS)
    training.hosts[1].disconnect()
    before = training.newest()
    time.sleep(_SHORT)
    training.hosts[1].connect()
    training.wait_for_checkpoint(before + _CHECKPOINT_STEPS)
    short = before, training.newest()

    training.hosts[1].disconnect()
    back = time.monotonic() + _LONG
    undisturbed.start()
    long = [training.end(index) for index in (0, 1)]
    starts = [training.newest()]
    training.start()  # They wait for each other.
    time.sleep(max(0.0, back - time.monotonic()))
    training.hosts[1].connect()
    training.wait_for_checkpoint(starts[0] + _CHECKPOINT_STEPS)

    training.hosts[1].kill()
    killed = training.end(0)
    starts.append(training.newest())
    training.hosts[1] = training.network.add(2)
    training.start()
    last = [training.end(index) for index in (0, 1)]
    assert [undisturbed.end(index).status for index in (0, 1)] == [0, 0]
  return Disturbed(
    undisturbed=undisturbed.run,
    run=training.run,
    short=short,
    long=long,
    killed=killed,
    starts=starts,
    last=last,
  )


def test_a_short_time_without_a_network_stops_nobody(seen):
  before, after = seen.short
  assert after > before


def test_a_longer_one_ends_both_with_one_line(seen):
  assert [_stop(end) for end in seen.long] == [1, 1]


def test_the_process_whose_partner_is_lost_ends_with_one_line(seen):
  assert _stop(seen.killed) == 1


def test_processes_that_are_started_again_go_on_from_the_newest_checkpoint(seen):
  restored = re.findall(r"restored model from \S*ckpt-(\d+)", (seen.run / "log.txt").read_text())
  assert [int(step) for step in restored] == seen.starts
  assert 0 < seen.starts[0] < seen.starts[1] < _STEPS


def test_the_training_ends_with_the_bits_of_an_undisturbed_one(seen):
  assert [end.status for end in seen.last] == [0, 0]
  for name in ("predictions.csv", "weights/final.data-00000-of-00001"):
    assert (seen.run / name).read_bytes() == (seen.undisturbed / name).read_bytes()
  one, other = (
    json.loads((run / "result.json").read_text()) for run in (seen.undisturbed, seen.run)
  )
  assert one["metrics"] == other["metrics"]


def _stop(end: End) -> int:
  """Returns the exit status of a process that said in its last line why it has stopped, and there
  alone."""
  *others, last = [line for line in end.lines if "another process of this training" in line]
  assert last == end.lines[-1] and last.startswith("stopped: the training did not succeed: ")
  assert "start all of them again to go on from the newest checkpoint" in last
  assert all(line.startswith("training: ") for line in others)
  return end.status
