"""TensorBoard's folder of a run: few runs, what candidates are like, and figures over HTTP."""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest
import run_folder

from data_prep.common import cli
from official.reports import board_runs
from official.reports import run_report


def _write(run: pathlib.Path, directory: str) -> None:
  report = run_report.make(str(run))
  board_runs.write(report.run, report.sections, directory)


@pytest.fixture(scope="module")
def run(finished_run, tmp_path_factory):
  """A run with a learning curve, and the folder that is made of it."""
  folder = run_folder.copied(finished_run, tmp_path_factory.mktemp("tensorboard") / "run")
  (folder / "final" / "curve.csv").write_text(
    "step,split,loss,accuracy\n20,train,1.5,0.3\n40,train,1.25,0.5\n20,validation,1.75,\n"
    "40,validation,1.375,0.625\n"
  )
  _write(folder, str(folder / "tensorboard"))
  return folder


def _results(run: pathlib.Path) -> dict[str, dict]:
  found = {p.parent.name: json.loads(p.read_text()) for p in run.glob("candidates/*/result.json")}
  return {name: result for name, result in found.items() if result["status"] == "ok"}


def test_there_is_a_run_for_each_of_the_best_candidates(run, monkeypatch, tmp_path):
  def candidates(folder: pathlib.Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name.isdigit()}

  assert candidates(run / "tensorboard") == set(_results(run))
  monkeypatch.setattr(board_runs, "BEST", 3)
  _write(run, str(tmp_path / "few"))
  ranked = sorted(_results(run).items(), key=lambda one: (-one[1]["fitness"], one[0]))
  assert candidates(tmp_path / "few") == {name for name, _ in ranked[:3]}


def test_the_curves_of_the_search_are_linked(run):
  link = run / "tensorboard" / "search"
  assert link.is_symlink() and link.resolve() == (run / "search").resolve()


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
  for name in ("a", "b"):
    _write(run, str(tmp_path / name))
  one, other = (
    {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.report")}
    for name in ("a", "b")
  )
  assert one == other and one


def test_it_is_replaced_and_nothing_else_is(run, tmp_path):
  folder = tmp_path / "folder"
  folder.mkdir()
  (folder / "thesis.txt").write_text("mine")
  with pytest.raises(cli.UserError, match=r"--tensorboard=.*holds thesis\.txt.*give a new folder"):
    _write(run, str(folder))
  assert (folder / "thesis.txt").read_text() == "mine"
  _write(run, str(run / "tensorboard"))


@pytest.mark.slow
def test_tensorboard_gives_back_metrics_features_curves_and_pictures(run):
  program = [sys.executable, "-m", "tensorboard.main", f"--logdir={run / 'tensorboard'}"]
  more = ["--port=0", "--host=127.0.0.1", "--load_fast=false"]
  opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
  with subprocess.Popen(
    [*program, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
  ) as server:
    try:
      address = next(
        found[0] for line in server.stderr if (found := re.search(r"http://127\S+:\d+/", line))
      )

      def ask(path: str, body: dict | None = None, **query: str):
        url = f"{address}data/{path}?{urllib.parse.urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return json.load(opener.open(urllib.request.Request(url, data, headers), timeout=60))

      _check(run, ask)
    finally:
      server.kill()
      server.stderr.close()


def _check(run: pathlib.Path, ask) -> None:
  results = _results(run)
  end = time.monotonic() + 60  # It reads its files after it has told its address.
  while not {*results, "final", "final/validation"} <= set(ask("runs")):
    assert time.monotonic() < end
    time.sleep(0.2)
  points = ask("plugin/scalars/scalars", run="final/validation", tag="loss")
  assert [(step, value) for _, step, value in points] == [(20, 1.75), (40, 1.375)]
  for name, result in results.items():
    (point,) = ask("plugin/scalars/scalars", run=name, tag="accuracy")
    assert point[2] == pytest.approx(result["metrics"]["accuracy"])
  assert "best_fitness" in str(ask("plugin/scalars/tags")["search"])
  assert "network" in str(ask("plugin/images/tags")["final"])
  asked = {
    "experimentName": "",
    "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_RUNNING"],
    "colParams": [],
    "startIndex": 0,
    "sliceSize": 100,
  }
  groups = ask("plugin/hparams/session_groups", asked)["sessionGroups"]
  assert {group["name"] for group in groups} == set(results)
  for group in groups:
    assert group["hparams"]["parameters"] == results[group["name"]]["params"]
    assert group["hparams"]["connections"] > 0
