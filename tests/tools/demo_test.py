"""The demonstration's script: its arguments, and the commands that it gives for each task.

Nothing is trained: the Python of its environment writes down what it is asked to do.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
_PYTHON = """#!/usr/bin/env bash
if [[ "$1" == - ]]; then exec {python} "$@"; fi
printf '%s\\n' "$*" >> {log}
case "$*" in
  *official.evolve*) mkdir -p {output}/search/export/9 {output}/search/export/10 ;;
esac
"""


@pytest.fixture
def demo(tmp_path):
  """Returns what runs the script with arguments, and has its commands, one a line."""
  checkout, output = tmp_path / "checkout", tmp_path / "output"
  (checkout / ".venv" / "bin").mkdir(parents=True)
  (checkout / "tools").mkdir()
  for name in ("demo.sh", "lib.sh"):
    shutil.copy(ROOT / "tools" / name, checkout / "tools")
  os.symlink(ROOT / "data_prep", checkout / "data_prep")
  log = tmp_path / "log.txt"
  log.touch()
  programs = {
    checkout / "tools" / "setup.sh": "#!/usr/bin/env bash\n",
    checkout / ".venv" / "bin" / "python": _PYTHON.format(
      python=sys.executable, log=log, output=output
    ),
  }
  for path, text in programs.items():
    path.write_text(text)
    path.chmod(0o755)

  def run(*arguments: str) -> tuple[subprocess.CompletedProcess, list[str]]:
    ended = subprocess.run(
      ["bash", str(checkout / "tools" / "demo.sh"), f"--output_dir={output}", *arguments],
      capture_output=True,
      text=True,
      timeout=60,
    )
    return ended, log.read_text().splitlines()

  return run


@pytest.fixture
def manifest(tmp_path) -> str:
  """A manifest of five held-out videos, and one that is not."""
  path = tmp_path / "own" / "manifest.csv"
  path.parent.mkdir()
  lines = ["path,label,split", "learned.mp4,a,train"]
  lines += [f"{number}.mp4,a,test" for number in range(5)]
  path.write_text("\n".join(lines) + "\n")
  return str(path)


@pytest.mark.parametrize(
  "argument, message",
  [
    (
      "--task=nonsense",
      "unknown task 'nonsense'; give one of: classification restoration segmentation",
    ),
    ("--task=", "unknown task ''"),
    ("--manifest=/nowhere.csv", "no such manifest: /nowhere.csv"),
    ("--rounds=3", "unknown argument --rounds=3 (--help lists them)"),
  ],
)
def test_a_wrong_argument_is_one_line_before_any_work(demo, argument, message):
  ended, commands = demo(argument)
  assert (ended.returncode, commands) == (2, [])
  assert ended.stderr.startswith(f"error: {message}")
  assert len(ended.stderr.splitlines()) == 1


def test_help_tells_of_every_task(demo):
  ended, commands = demo("--help")
  assert (ended.returncode, commands) == (0, [])
  assert "--task=restoration" in ended.stdout
  assert not any(line.startswith("#") for line in ended.stdout.splitlines())


def test_without_a_task_it_classifies(demo):
  ended, commands = demo()
  assert ended.returncode == 0, ended.stderr
  assert [command.split()[:2] for command in commands] == [
    ["tools/make_sample_videos.py", commands[0].split()[1]],
    ["-m", "data_prep.extract"],
    ["-m", "official.evolve"],
    ["-m", "tools.show_predictions"],
    ["-m", "tools.compare_with_hand_made"],
  ]
  assert "--task" not in commands[2]


@pytest.mark.parametrize(
  "task, searched, asked",
  [
    ("restoration", "--task=restoration --degrade=bicubic:2", "--clean"),
    ("segmentation", "--task=segmentation --search_space=segmentation", "--overlay"),
  ],
)
def test_other_tasks_end_with_a_picture(demo, manifest, task, searched, asked):
  ended, commands = demo(f"--task={task}", f"--manifest={manifest}")
  assert ended.returncode == 0, ended.stderr
  prepare, search, restore = commands
  assert "--flow=none" in prepare
  assert searched in search
  folder = os.path.dirname(manifest)
  assert restore.endswith(" ".join(os.path.join(folder, f"{number}.mp4") for number in (0, 2, 4)))
  assert "/export/10 " in restore and asked in restore
  picture = next(part for part in restore.split() if part.startswith("--compare="))
  assert ended.stdout.splitlines()[-1].endswith(picture.removeprefix("--compare="))
