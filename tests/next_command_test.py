"""The next command, which every program names at its end."""

import json
import pathlib
import sys

import pytest

from data_prep.common import next_command
from official.programs import next_steps
from official.search import overview

ROOT = pathlib.Path(__file__).parents[1]
# What a program of TF Model Garden and the pages say at their end is theirs.
_OTHERS = {"official.model_garden", "official.report", "official.compare"}
_PROGRAMS = sorted(
  f"{folder}.{path.stem}"
  for folder in ("data_prep", "official")
  for path in (ROOT / folder).glob("*.py")
  if "cli.run(main" in path.read_text()
)


@pytest.mark.parametrize("program", [name for name in _PROGRAMS if name not in _OTHERS])
def test_every_program_names_the_next_command(program):
  text = (ROOT / program.replace(".", "/")).with_suffix(".py").read_text()
  assert "next_command.tell(" in text


def test_the_programs_are_found():
  wanted = {"manifest", "extract", "preview"}
  assert {f"data_prep.{name}" for name in wanted} <= set(_PROGRAMS)
  assert {f"official.{name}" for name in ("evolve", "train", "export", "predict", "status")} <= set(
    _PROGRAMS
  )


def test_a_command_can_be_pasted(capsys):
  line = next_command.command(
    "python -m official.predict", "a b.mp4", "--watch", saved_model="it's/1"
  )
  assert line == """python -m official.predict '--saved_model=it'"'"'s/1' 'a b.mp4' --watch"""
  next_command.tell([line, "more"])
  said = capsys.readouterr()
  assert (said.out, said.err) == ("", f"next: {line}\nnext: more\n")


@pytest.fixture
def run(tmp_path):
  """The folder of a run whose network was exported; returns a function that writes its result."""
  version = tmp_path / "export" / "1"
  (version / "assets").mkdir(parents=True)
  (version / "saved_model.pb").touch()
  (tmp_path / "final").mkdir()

  def write(folder: str, task: str = "classification") -> str:
    result = {"format_version": 1, "candidate": 3, "metrics": {}, "export": "export/1"}
    (tmp_path / folder / "result.json").write_text(json.dumps(result))
    (version / "assets" / "task.json").write_text(json.dumps({"task": task}))
    return str(tmp_path)

  return write


@pytest.mark.parametrize("folder", ["final", ""])
def test_after_a_run_the_network_is_asked_and_served(run, folder):
  path = run(folder)
  assert next_steps.after_run(path) == [
    f"python -m official.predict --saved_model={path}/export/1 --output=answers.csv "
    "VIDEO_OR_FOLDER",
    f"python -m tools.serve {path}/export",
  ]


def test_a_network_that_returns_frames_gets_a_folder(run):
  assert "--output=restored VIDEO_OR_FOLDER" in next_steps.after_run(run("", "restoration"))[0]


def test_nothing_comes_after_a_run_without_a_network(run, tmp_path):
  path = run("")
  (tmp_path / "result.json").write_text("damaged")
  assert next_steps.after_run(path) == []
  assert next_steps.after_run(str(tmp_path / "nowhere")) == []
  assert next_steps.after_export(str(tmp_path / "nowhere")) == []


def _status(condition: str, path: str) -> overview.Status:
  fields = dict.fromkeys(overview.Status.__dataclass_fields__)
  return overview.Status(**{**fields, "condition": condition, "model_dir": path})


def test_a_search_is_watched_resumed_or_used(run, tmp_path):
  path = run("final")
  start = {"at": "2026-01-01T00:00:00+00:00", "command": "python -m official.evolve --seed=1"}
  (tmp_path / "timing.json").write_text(json.dumps({"starts": [start]}))
  shown = f"python -m official.report --model_dir={path}"
  assert next_steps.after_status(_status("dead", path)) == [
    "python -m official.evolve --seed=1",
    shown,
  ]
  assert next_steps.after_status(_status("finished", path)) == next_steps.after_run(path)
  assert next_steps.after_status(_status("alive", path)) == [
    f"python -m official.status --model_dir={path} --watch",
    shown,
  ]


def test_after_a_dry_run_comes_the_run(monkeypatch):
  monkeypatch.setattr(sys, "argv", ["x", "--dry_run", "--model_dir=a b", "--dry_run=true"])
  assert next_steps.without("dry_run").endswith(" '--model_dir=a b'")
