"""The behaviour that all command lines share."""

import pathlib
import subprocess
import sys

import pytest

from data_prep.common import cli

_MAIN = '''"""Greets.

More on greeting.
"""
from absl import flags
from data_prep.common import cli
_NAME = flags.DEFINE_string("name", "you", "Whom to greet.")

def main(arguments):
  if _NAME.value == "nobody":
    raise cli.UserError("there is nobody\\n  to greet; give another --name")
  if _NAME.value == "argument":
    raise cli.UserError("`name`=argument is wrong; give `whom`, but not `what`")
  if _NAME.value == "impatient":
    raise KeyboardInterrupt
  print("hello", _NAME.value, *arguments)

if __name__ == "__main__":
  cli.run(main, pass_unknown=PASS, flag_of={"whom": "name"})
'''


@pytest.fixture
def call(tmp_path):
  def run(*arguments: str, pass_unknown: bool = False) -> subprocess.CompletedProcess:
    (tmp_path / "greet.py").write_text(_MAIN.replace("PASS", str(pass_unknown)))
    root = str(pathlib.Path(cli.__file__).parents[2])
    return subprocess.run(
      [sys.executable, "greet.py", *arguments],
      cwd=tmp_path,
      capture_output=True,
      text=True,
      env={"PYTHONPATH": root, "PATH": ""},
    )

  return run


def test_runs_main_with_its_flags(call):
  assert call("--name=Ada").stdout == "hello Ada\n"


def test_a_mistake_is_one_line_and_status_2(call):
  done = call("--name=nobody")
  assert (done.returncode, done.stdout) == (2, "")
  assert done.stderr == "error: there is nobody to greet; give another --name\n"


def test_arguments_of_libraries_are_shown_as_flags(call):
  done = call("--name=argument")
  assert done.stderr == "error: --name=argument is wrong; give --name, but not `what`\n"


def test_an_unknown_flag_is_refused(call):
  done = call("--nmae=Ada")
  assert done.returncode == 2
  assert done.stderr.startswith("error: Unknown command line flag 'nmae'")
  assert done.stderr.count("\n") == 1


def test_an_argument_that_is_no_flag_is_refused(call):
  done = call("Ada")
  assert done.returncode == 2
  assert done.stderr.startswith("error: unexpected argument 'Ada' (flags are written --name=value")


def test_unknown_flags_may_be_passed_on(call):
  assert call("--runner=X", pass_unknown=True).stdout == "hello you --runner=X\n"


def test_help_teaches_and_ends_with_status_0(call):
  done = call("--help")
  assert done.returncode == 0
  assert done.stdout.startswith("Greets.\n\nMore on greeting.\n\nFlags:")
  assert "--name: Whom to greet." in done.stdout


def test_flags_may_come_from_a_file(call, tmp_path):
  (tmp_path / "flags").write_text("--name=Grace\n")
  assert call("--flagfile=flags").stdout == "hello Grace\n"


def test_relative_paths_are_the_callers_under_bazel_run(monkeypatch):
  monkeypatch.setenv("BUILD_WORKING_DIRECTORY", "/somewhere/deep")
  assert cli.resolve_path("../x") == "/somewhere/x"
  assert cli.resolve_path("/y") == "/y"
  assert cli.resolve_path("gs://bucket/z") == "gs://bucket/z"


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_above_zero(value):
  with pytest.raises(cli.UserError, match="--learning_rate=.* give a number above 0"):
    cli.at_least("learning_rate", value, 0, exclusive=True)


def test_ctrl_c_is_one_line_and_status_130(call):
  run = call("--name=impatient")
  assert (run.returncode, run.stdout, run.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
  "text, shown",
  [
    ("a b \u00fc", "a b \u00fc"),
    ("a\nb\t", "a\\nb\\t"),
    ("\x1b[31m", "\\x1b[31m"),
    ("caf\udce9", "caf\\udce9"),
    ("\u2028", "\\u2028"),
  ],
)
def test_a_name_is_shown_on_one_line(text, shown):
  assert cli.printable(text) == shown


@pytest.mark.parametrize("path", ["run[1]", "a*/run", "wh?t", "a\\b", "/a]/run"])
def test_a_path_that_tensorflow_takes_for_a_pattern_is_refused(path):
  with pytest.raises(cli.UserError, match="--model_dir=.* for a pattern .*; give a path without"):
    cli.plain_path("model_dir", path)


def test_other_paths_are_let_pass():
  assert cli.plain_path("model_dir", "/a b/{c}/rün") == "/a b/{c}/rün"


def test_a_fault_of_the_environment_is_one_line_and_status_2(monkeypatch, capsys):
  def main(_):
    raise OSError(28, "No space left on device", "/run/x")

  monkeypatch.setattr("sys.argv", ["program"])
  monkeypatch.setattr(cli.app, "run", lambda main, flags_parser: main(["program"]))
  with pytest.raises(SystemExit) as left:
    cli.run(main)
  assert left.value.code == 2
  assert capsys.readouterr().err == "error: /run/x: No space left on device; make room there\n"
