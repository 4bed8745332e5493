"""The commands of README.md, pasted one after the other into a shell at the root of a checkout.

They are what they are in README.md but for the numbers of training steps: with fewer, the test
takes a quarter of the time and finds the same mistakes.
"""

import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys

import pytest

from tests import documentation

ROOT = documentation.ROOT
TITLE = "The commands behind the demonstration"
STEPS = 20
# It needs an engine for containers.
LEFT_OUT = ("docker ",)
# It runs until it is told to end, which is after the client has asked it.
SERVER, CLIENT = "python -m tools.serve ", "python -m tools.serve_client "


@pytest.fixture
def checkout(tmp_path) -> pathlib.Path:
  """A copy of this checkout with nothing in it that is not the project's own."""
  copy = tmp_path / "checkout"
  shutil.copytree(ROOT, copy, symlinks=True, ignore=_not_ours)
  (copy / ".venv").symlink_to(sys.prefix)
  return copy


def _not_ours(folder: str, names: list[str]) -> set[str]:
  """Returns what a checkout holds that is not in the repository."""
  everywhere = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache")
  at_the_top = shutil.ignore_patterns("demo", "runs", "bazel-*", "node_modules", "build", "dist")
  found = everywhere(folder, names)
  return found | at_the_top(folder, names) if pathlib.Path(folder) == ROOT else found


def served_meanwhile(commands: list[str]) -> list[str]:
  """Returns commands of which the server runs, at free ports, until the client has its answers."""
  (server,) = (command for command in commands if command.startswith(SERVER))
  (client,) = (command for command in commands if command.startswith(CLIENT))
  assert commands.index(client) == commands.index(server) + 1
  with socket.socket() as one, socket.socket() as other:
    one.bind(("127.0.0.1", 0))
    other.bind(("127.0.0.1", 0))
    grpc, rest = one.getsockname()[1], other.getsockname()[1]
  answers = f"(exec 3<>/dev/tcp/127.0.0.1/{grpc}) 2>/dev/null"
  at = commands.index(server)
  return [
    *commands[:at],
    f"{server} --port={grpc} --rest_api_port={rest} & server=$!; trap 'kill $server' EXIT",
    f"until {answers}; do kill -0 $server; sleep 0.2; done",
    client.replace("localhost:8500", f"localhost:{grpc}"),
    "trap - EXIT; kill $server; wait $server || true",
    *commands[at + 2 :],
  ]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_commands_of_the_readme_work(checkout):
  text = documentation.section((ROOT / "README.md").read_text(), TITLE)
  text, trainings = re.subn(r"(--(candidate|final|train)_steps)=\d+", rf"\1={STEPS}", text)
  assert trainings == 3
  commands = [*documentation.commands(text), *documentation.inline_commands(text)]
  left_out = [command for command in commands if command.startswith(LEFT_OUT)]
  assert len(left_out) == len(LEFT_OUT)
  script = ["set -euo pipefail"]
  for command in served_meanwhile([one for one in commands if one not in left_out]):
    script += [f"echo {shlex.quote('$ ' + command)}", command]
  done = subprocess.run(
    ["bash", "-c", "\n".join(script)],
    cwd=checkout,
    env={**os.environ, "PYTHONPATH": ""},
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stdout[-4000:]
  for path in (
    "data/dataset.json",
    "run/candidates/000003/result.json",
    "run/final/result.json",
    "run/export/1/saved_model.pb",
    "preview.html",
    "trained/train.json",
    "answers.csv",
  ):
    assert (checkout / path).is_file(), path
