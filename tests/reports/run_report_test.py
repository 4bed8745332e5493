"""The page of a run, whatever state the run is in."""

import json
import pathlib

import pytest
import run_folder

from official.reports import page
from official.reports import run_report


@pytest.fixture(scope="module")
def report(finished_run):
  return run_report.make(str(finished_run))


def tables(report):
  return [table for section in report.sections for table in page.tables(section.parts)]


def table(report, caption):
  return next(each for each in tables(report) if caption in each.caption)


def test_all_sections_can_be_made(report):
  assert report.failures == ()
  names = [section.name for section in report.sections]
  assert names[0] == "summary"
  assert names[-1] == "leaderboard"


def test_the_same_run_gives_the_same_bytes(finished_run, report):
  output = str(finished_run / "report.html")
  assert run_report.make(str(finished_run)).html(output) == report.html(output)


def test_names_of_figures_are_unique(report):
  names = [each.name for section in report.sections for each in page.figures(section.parts)]
  assert len(set(names)) == len(names)


def test_the_leaderboard_has_the_numbers_of_the_results(finished_run, report):
  board = table(report, "12 candidates")
  place = {name: board.header.index(name) for name in ("candidate", "accuracy", "parameters")}
  for row in board.rows:
    folder = finished_run / "candidates" / row[place["candidate"]]
    result = json.loads((folder / "result.json").read_text())
    assert row[place["accuracy"]] == result["fitness"]
    assert row[place["parameters"]] == result["params"]


def test_the_leaderboard_begins_with_the_best(report):
  board = table(report, "12 candidates")
  fitnesses = [row[board.header.index("accuracy")] for row in board.rows]
  known = [each for each in fitnesses if each is not None]
  assert known == sorted(known, reverse=True)
  assert fitnesses[: len(known)] == known


def test_links_of_the_leaderboard_exist(finished_run, report):
  board = table(report, "12 candidates")
  links = [link for row in board.rows for link in row[board.header.index("files")].links]
  assert len(links) >= 24
  assert all((finished_run / link.href).is_file() for link in links)


def stopped(folder: pathlib.Path) -> None:
  (folder / "candidates" / "000011" / "result.json").unlink()
  (folder / "final" / "result.json").unlink()


def begun(folder: pathlib.Path) -> None:
  for path in folder.glob("candidates/*/*"):
    if path.is_file():
      path.unlink()
  for name in ("result.json", "predictions.csv"):
    (folder / "final" / name).unlink()


def damaged(folder: pathlib.Path) -> None:
  for path in folder.rglob("result.json"):
    path.write_text("{")


def older(folder: pathlib.Path) -> None:
  """Takes away what later versions added."""
  for path in folder.glob("candidates/*/timing.json"):
    path.unlink()
  (folder / "timing.json").unlink()
  for path in folder.glob("candidates/*/result.json"):
    result = json.loads(path.read_text())
    if result["status"] == "ok":
      result["connection_weights"] = result["params"] = result["multiply_adds"] = None
    path.write_text(json.dumps(result))
  (folder / "final" / "predictions.csv").unlink()
  for path in folder.glob("candidates/*/candidate.json"):
    kept = ("number", "seed", "architecture", "parent")
    candidate = json.loads(path.read_text())
    path.write_text(json.dumps({name: candidate[name] for name in kept}))


@pytest.mark.parametrize("change", [stopped, begun, damaged, older])
def test_there_is_a_page_of_a_run_in_any_state(finished_run, tmp_path, change):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  change(folder)
  report = run_report.make(str(folder))
  assert report.failures == ()
  shown = {section.name for section in report.sections}
  assert shown == {"summary"} if change == begun else {"summary", "leaderboard"} < shown | {""}


@pytest.mark.parametrize(
  "settings",
  [
    {"rungs": "20,40,200"},
    {"objectives": "accuracy,multiply_adds"},
    {"final": "ensemble", "top_k": 2},
    {"final": "top_k", "top_k": 2},
    {"folds": 3},
    {"algorithm": "random_search"},
    {"fitness": "loss"},
  ],
  ids=lambda settings: next(iter(settings)),
)
def test_there_is_a_page_of_every_kind_of_search(tmp_path, settings):
  folder = run_folder.make(tmp_path / "run", rounds=8, settings=settings)
  assert run_report.make(str(folder)).failures == ()


def test_the_leaderboard_tells_who_rests_at_which_rung(tmp_path):
  folder = run_folder.make(tmp_path / "run", rounds=8, settings={"rungs": "20,200"})
  board = table(run_report.make(str(folder)), "12 candidates")
  rows = [dict(zip(board.header, row, strict=True)) for row in board.rows]
  resting = [row for row in rows if row["state"] == "resting"]
  assert resting
  for row in resting:
    path = folder / "candidates" / row["candidate"] / "rung_0.json"
    assert (row["rung"], row["fitness there"]) == (0, json.loads(path.read_text())["fitness"])


def test_a_hand_made_network_on_the_same_data_is_told(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  compared = tmp_path / "compared" / "hand_made_late-fusion_1234"
  compared.mkdir(parents=True)
  data = json.loads((folder / "search.json").read_text())["identity"]["data_dir"]
  flags = {"format_version": 1, "identity": {"data_dir": data}, "operation": {}}
  (compared / "train.json").write_text(json.dumps(flags))
  result = {"status": "ok", "params": 1200, "metrics": {"test": {"accuracy": 0.625}}}
  (compared / "result.json").write_text(json.dumps(result))
  rows = dict(table(run_report.make(str(folder)), "The run").rows)
  assert rows["a hand-made network"].startswith(
    "late-fusion, 1,200 parameters; accuracy 0.6250: 25 of 40 clips right"
  )


def test_there_is_a_page_of_a_run_of_failures(tmp_path):
  folder = run_folder.make(tmp_path / "run", rounds=0, training=run_folder.Training(failing=1))
  report = run_report.write(str(folder), str(tmp_path / "report.html"))
  assert report.failures == ()
  assert "None of 4 candidates could be trained" in (tmp_path / "report.html").read_text()


def test_a_section_that_fails_leaves_the_others(finished_run, monkeypatch):
  def fails(_):
    raise ValueError("no such thing")

  monkeypatch.setattr(run_report.summary, "section", fails)
  report = run_report.make(str(finished_run))
  assert report.failures == ("summary: ValueError: no such thing",)
  assert len(report.sections) > 1


def test_pictures_are_written_as_files(finished_run, tmp_path, monkeypatch):
  monkeypatch.setattr(run_report, "SECTIONS", (run_report.fitness,))
  report = run_report.write(
    str(finished_run), str(tmp_path / "report.html"), str(tmp_path / "pictures")
  )
  names = {
    f"{each.name}{suffix}"
    for section in report.sections
    for each in page.figures(section.parts)
    for suffix in ((".png",) if isinstance(each, page.Image) else (".png", ".svg"))
  }
  assert {path.name for path in (tmp_path / "pictures").iterdir()} == names
