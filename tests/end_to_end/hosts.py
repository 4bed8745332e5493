"""Hosts of their own on this machine, for programs that run on several machines.

A host is a namespace of processes with a network, a name and a local disk of its own (/mnt, in
memory, with the home folder and temporary files). The rest of the file system is this machine's:
the folder that hosts share. A switch, which is a network namespace too, joins them.

    with hosts.network() as network:
      a, b = network.add(1), network.add(2)
      process = a.start(["ping", b.address], log)
      b.disconnect()

The namespaces are those of `ip netns`, without the names that it would leave behind: a namespace
is gone with the last process in it, the kernel kills all processes of a host together with its
first one, and that dies with the process that made it. So nothing is left, however a test ends.
"""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

_COMMANDS = ("ip", "unshare", "nsenter", "setpriv")
_SUBNET = "10.77.0"
_DISK = "/mnt"
_PAUSE = "sleep 3600"
# The first process: it sets the host up, says so, and adopts orphans.
_FIRST = f"""
set -e
mount -t tmpfs none {_DISK}
mount -t tmpfs none /dev/shm
ip link set lo up
hostname "$0"
echo up
while :; do {_PAUSE} & wait $!; done
"""


class _Namespace:
  """Processes with a network of their own, and a first one with which they end."""

  def __init__(self, name: str):
    self.name = name
    self._unshare = subprocess.Popen(
      ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "--uts", "--ipc", "--pid", "--fork"]
      + ["--mount-proc", "--kill-child=KILL", "sh", "-c", _FIRST, name],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      start_new_session=True,
    )
    assert self._unshare.stdout is not None and self._unshare.stderr is not None
    if self._unshare.stdout.readline() != "up\n":
      reason = self._unshare.stderr.read().strip()
      self.kill()
      pytest.skip(f"no host can be made on this machine: {reason}")
    pid = self._unshare.pid
    self.first = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text())
    self._inode = pathlib.Path(f"/proc/{self.first}/ns/pid").stat().st_ino

  @property
  def alive(self) -> bool:
    """Whether its first process is, and with that all that it should hold."""
    return self._unshare.poll() is None

  def processes(self) -> dict[int, str]:
    """Returns, by id on this machine, the command lines of what was started here and runs."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
      with contextlib.suppress(OSError):  # It has ended.
        here = (path / "ns" / "pid").stat().st_ino == self._inode
        command = (path / "cmdline").read_text().replace("\0", " ").strip()
        if here and int(path.name) != self.first and command and command != _PAUSE:
          found[int(path.name)] = command
    return found

  def kill(self) -> None:
    """Ends all its processes at once."""
    self._unshare.kill()
    self._unshare.communicate()

  def ip(self, *arguments: object) -> None:
    """Runs `ip` in this network."""
    command = ["nsenter", f"--target={self.first}", "--net", "ip", *map(str, arguments)]
    subprocess.run(command, check=True)


class Host(_Namespace):
  """A host with its address; up from the beginning, and plugged into a switch."""

  def __init__(self, number: int, switch: _Namespace):
    super().__init__(f"host{number}")
    self.address = f"{_SUBNET}.{number}"
    self._switch, self._port = switch, f"port{number}"
    switch.ip("link", "add", self._port, "type", "veth", "peer", "eth0", "netns", self.first)
    switch.ip("link", "set", self._port, "master", "bridge", "up")
    self.ip("address", "add", f"{self.address}/24", "dev", "eth0")
    self.ip("link", "set", "eth0", "up")

  def start(
    self, command: Sequence[str], log: pathlib.Path, environment: Mapping[str, str] | None = None
  ) -> subprocess.Popen:
    """Starts a command, which ends with the process that is returned; its output is appended to a
    file."""
    entering = ["nsenter", f"--target={self.first}", "--all", f"--wd={os.getcwd()}"]
    with open(log, "a", encoding="utf-8") as file:
      return subprocess.Popen(
        [*entering, "setpriv", "--pdeathsig=KILL", *command],
        stdout=file,
        stderr=file,
        env={**os.environ, "HOME": _DISK, "TMPDIR": _DISK, **(environment or {})},
      )

  def kill(self) -> None:
    """Ends all its processes at once, as a power cut does; its number is free again."""
    if self.alive:
      self._switch.ip("link", "delete", self._port)
    super().kill()

  def disconnect(self) -> None:
    """Takes out the cable: what is sent from here, or to here, is lost without a word."""
    self._switch.ip("link", "set", self._port, "down")

  def connect(self) -> None:
    """Puts the cable in again."""
    self._switch.ip("link", "set", self._port, "up")


class Network:
  """A switch, and the hosts that were ever plugged into it."""

  def __init__(self):
    self._switch = _Namespace("switch")
    self.hosts: list[Host] = []
    self._switch.ip("link", "add", "bridge", "type", "bridge")
    self._switch.ip("link", "set", "bridge", "up")

  def add(self, number: int) -> Host:
    """Returns a new host; a number is free again when the host that had it is killed."""
    host = Host(number, self._switch)
    self.hosts.append(host)
    return host

  def close(self) -> None:
    """Ends all of it."""
    for namespace in (*self.hosts, self._switch):
      namespace.kill()


@contextlib.contextmanager
def network() -> Iterator[Network]:
  """Makes a network without hosts; skips the test where none can be made."""
  if os.geteuid():
    pytest.skip("hosts of their own need namespaces, and those need root")
  missing = [command for command in _COMMANDS if shutil.which(command) is None]
  if missing:
    pytest.skip(f"hosts of their own need {' and '.join(missing)} (iproute2, util-linux)")
  made = Network()
  try:
    yield made
  finally:
    made.close()
