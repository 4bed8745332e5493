"""Damaged state is reported in one line, which names the path and a remedy."""

import io
import json
import shutil

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs import single
from official.runs.executors import inline
from official.search import application
from official.search import overview

RUN_FILES = (
  "search.json",
  "candidates/000001/candidate.json",
  "candidates/000001/result.json",
  "final/final.json",
  "final/result.json",
)
DAMAGES = {
  "empty": b"",
  "truncated": None,
  "binary": b"\x00\xff\xfe\x80",
  "null": b"null",
  "list": b"[]",
  "number": b"7",
  "text": b'"x"',
  "object": b"{}",
}


def search(path):
  return application.run(
    model_dir=str(path),
    space=search_fakes.small_space(),
    settings=search_fakes.settings(population_size=2, rounds=1, remove="worst_sampled"),
    clip=search_fakes.CLIP,
    executor=lambda: inline.Inline(threads=1),
    trainings=lambda: application.Trainings(
      candidate=search_fakes.quick, final=search_fakes.final, joining=search_fakes.joining
    ),
    identity={},
    operation={},
    final_settings={"final_steps": 20},
    console=console.Console(lines=io.StringIO(), terminal=False),
  )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  path = tmp_path_factory.mktemp("whole") / "run"
  assert search(path) == 0
  return path


@pytest.fixture
def run(whole, tmp_path):
  return shutil.copytree(whole, tmp_path / "run")


def damage(path, how):
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2] if how == "truncated" else DAMAGES[how])


def is_told(path, function, *arguments):
  with pytest.raises(cli.UserError) as raised:
    function(*arguments)
  line = str(raised.value)
  assert str(path) in line and ";" in line and "\n" not in line


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", RUN_FILES)
def test_a_search_does_not_go_on(run, name, how):
  damage(run / name, how)
  is_told(run / name, search, run)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", [*RUN_FILES[:1], *RUN_FILES[2:]])
def test_status_tells_it_too(run, name, how):
  damage(run / name, how)
  is_told(run / name, overview.read, str(run))


@pytest.mark.parametrize(
  "name, field, value",
  [
    ("search.json", "identity", []),
    ("search.json", "identity", {"gpus_per_candidate": "x"}),
    ("search.json", "identity", {"start_from": {"founders": [{}]}}),
    ("search.json", "operation", None),
    ("search.json", "format_version", "1"),
    ("search.json", "format_version", 99),
    ("candidates/000001/result.json", "status", "fine"),
    ("candidates/000001/result.json", "fitness", "high"),
    ("candidates/000001/result.json", "fitness", None),
    ("candidates/000001/result.json", "finish_order", None),
    ("candidates/000001/result.json", "metrics", None),
    ("candidates/000001/result.json", "number", 7),
    ("candidates/000001/candidate.json", "number", 7),
    ("candidates/000001/candidate.json", "seed", "x"),
    ("candidates/000001/candidate.json", "architecture", None),
    ("candidates/000001/candidate.json", "tournament", {}),
  ],
)
def test_a_field_of_another_type_is_told(run, name, field, value):
  content = json.loads((run / name).read_text())
  (run / name).write_text(json.dumps({**content, field: value}))
  is_told(run / name, search, run)


@pytest.mark.parametrize("name", [*RUN_FILES, "timing.json"])
def test_a_folder_in_the_place_of_a_file_is_told(run, name):
  (run / name).unlink()
  (run / name).mkdir()
  is_told(run / name, search, run)


@pytest.mark.parametrize("content", DAMAGES.values())
def test_a_damaged_lock_or_progress_is_no_hindrance(run, content):
  for name in ("lock", "candidates/000001/progress.json", "final/progress.json"):
    (run / name).write_bytes(content or b"{")
  (run / "candidates/000001/result.json").unlink()
  overview.text(overview.read(str(run)))
  assert search(run) == 0


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", ["train.json", "result.json"])
def test_a_training_does_not_go_on(tmp_path, name, how):
  (tmp_path / "train.json").write_text(
    json.dumps({"format_version": 1, "identity": {}, "operation": {}})
  )
  (tmp_path / "result.json").write_text(
    json.dumps({"status": "ok", "metrics": {}, "export": "export/1"})
  )
  damage(tmp_path / name, how)
  is_told(
    tmp_path / name,
    lambda: single.run(
      model_dir=str(tmp_path),
      candidate={},
      training=None,
      check=None,
      identity={},
      operation={},
      index=0,
    ),
  )
