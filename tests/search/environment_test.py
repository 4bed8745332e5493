"""The environment's faults are no verdict on a candidate."""

import errno
import io
import os

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.run_directory import RunDirectory
from official.search import application


def search(
  path,
  *,
  candidate=search_fakes.quick,
  final=search_fakes.final,
  check=None,
  executor=lambda: inline.Inline(threads=1),
  **options,
):
  return application.run(
    model_dir=str(path),
    space=search_fakes.small_space(),
    settings=search_fakes.settings(**{"population_size": 2, "rounds": 1, **options}),
    clip=search_fakes.CLIP,
    executor=executor,
    trainings=lambda: application.Trainings(
      candidate=candidate, final=final, joining=search_fakes.joining, check=check
    ),
    identity={},
    operation={},
    final_settings={"final_steps": 20},
    console=console.Console(lines=io.StringIO(), terminal=False),
  )


def in_processes():
  return local.Local(workers=1, threads=1, preload=search_fakes.PRELOAD)


@pytest.mark.parametrize("executor", [lambda: inline.Inline(threads=1), in_processes])
def test_a_full_disk_stops_the_search_and_leaves_the_candidate_in_flight(tmp_path, executor):
  with pytest.raises(cli.UserError) as raised:
    search(tmp_path, candidate=search_fakes.finds_a_full_disk, executor=executor)
  training = tmp_path / "candidates" / "000000" / "training"
  assert str(raised.value) == (
    f"{training}: No space left on device; make room there; then the same command resumes"
  )
  assert os.path.exists(tmp_path / "candidates" / "000000" / "candidate.json")
  assert not os.path.exists(tmp_path / "candidates" / "000000" / "result.json")
  (tmp_path / "room").write_text("")
  assert search(tmp_path, candidate=search_fakes.finds_a_full_disk, executor=executor) == 0
  assert RunDirectory(str(tmp_path)).read_result(0).status == "ok"


def test_what_the_user_can_mend_stops_the_search(tmp_path):
  with pytest.raises(cli.UserError, match="has no frames of the stream 'flow'; prepare the data"):
    search(tmp_path, candidate=search_fakes.misses_a_stream)
  assert RunDirectory(str(tmp_path)).read_result(0) is None


def test_so_it_does_in_the_final_training(tmp_path):
  with pytest.raises(cli.UserError, match="has no frames of the stream 'flow'; prepare the data"):
    search(tmp_path, final=search_fakes.misses_a_stream)
  assert search(tmp_path) == 0


def test_nothing_is_written_where_no_training_can_begin(tmp_path):
  with pytest.raises(cli.UserError, match="has no frames of the stream"):
    search(tmp_path / "run", check=search_fakes.misses_a_stream)
  assert not os.path.exists(tmp_path / "run")


@pytest.mark.parametrize("name", ["", "candidates", "final", "export"])
def test_a_file_in_the_place_of_a_folder_is_told_before_anything_begins(tmp_path, name):
  run = tmp_path / "run"
  if name:
    run.mkdir()
  (run / name).write_text("") if name else run.write_text("")
  with pytest.raises(cli.UserError) as raised:
    search(run)
  assert str(run) in str(raised.value) and not os.path.exists(run / "search.json")


def test_a_driver_that_cannot_write_says_so_in_one_line(tmp_path, monkeypatch):
  def full(*unused):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

  monkeypatch.setattr(os, "replace", full)
  with pytest.raises(OSError, match="No space left"):
    search(tmp_path)


def test_retries_hold_for_the_final_training_too(tmp_path, capsys):
  assert (
    search(tmp_path / "none", final=search_fakes.killed_once, executor=in_processes, max_retries=0)
    == 1
  )
  assert "was ended by SIGKILL" in capsys.readouterr().err
