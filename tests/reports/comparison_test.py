"""Runs side by side: groups, differing flags, shared architectures, table and page."""

import json
import subprocess
import sys

import browser
import pytest
import run_folder

from data_prep.common import cli
from official.reports import comparison
from official.reports import comparison_page
from official.reports import page


@pytest.fixture(scope="module")
def runs(tmp_path_factory, finished_run):
  """Two runs that differ in their seed, and one of random search."""
  folder = tmp_path_factory.mktemp("compared")
  random = run_folder.make(
    folder / "random" / "0", rounds=3, settings={"algorithm": "random_search"}
  )
  evolved = [run_folder.copied(finished_run, folder / "evolved" / seed) for seed in "01"]
  path = evolved[1] / "search.json"
  content = json.loads(path.read_text())
  content["identity"]["seed"] = 1234
  path.write_text(json.dumps(content))
  return [str(each) for each in (*evolved, random)]


@pytest.fixture(scope="module")
def compared(runs):
  return comparison.read(runs)


def test_runs_are_called_by_the_ends_of_their_paths():
  assert comparison.labels(["/a/run", "/b/run"]) == ["a/run", "b/run"]
  assert comparison.labels(["/a/one", "/a/two"]) == ["one", "two"]


def test_runs_that_differ_in_their_seed_are_a_group(compared):
  assert [(group.label, len(group.members)) for group in compared.groups] == [
    ("evolved", 2),
    ("random/0", 1),
  ]
  assert compared.runs[1].seed == 1234


def test_flags_that_differ_are_told_and_the_seed_is_not(compared):
  told = {each.flag: each.values for each in compared.differences}
  assert told["algorithm"] == ("evolution", "random_search")
  assert "seed" not in told
  assert "candidate_steps" not in told


def test_architectures_are_the_same_whatever_their_blocks_are_called(compared):
  everywhere = [{each.label for each in sightings} for sightings in compared.shared]
  assert {"evolved/0", "evolved/1"} <= everywhere[0]
  first = compared.shared[0]
  assert {each.role for each in first if each.label.startswith("evolved")} <= {
    "winner",
    "ancestor of the winner",
  }


def test_a_share_of_test_clips_has_an_interval(compared):
  test = compared.runs[0].test
  assert (test.name, test.clips) == ("accuracy", run_folder.CLIPS["test"])
  assert test.low < test.value < test.high or test.value in (0, 1)


def test_the_terminal_gets_every_run_group_and_flag(compared):
  text = comparison_page.text(compared)
  for each in compared.runs:
    assert f"{each.label} " in text
    assert f"{each.best:.4f}" in text
  assert "algorithm" in text and "random_search" in text
  assert "trained in more than one run" in text
  assert "data_dir" not in text  # It is the same.


def test_the_page_has_curves_with_bands_and_links_to_the_runs(compared, tmp_path):
  sections = comparison_page.sections(compared, str(tmp_path / "compare.html"))
  names = [figure.name for section in sections for figure in page.figures(section.parts)]
  assert names[:3] == ["test", "best-over-candidates", "best-over-hours"]
  html = comparison_page.html(compared, str(tmp_path / "compare.html"))
  assert html == comparison_page.html(compared, str(tmp_path / "compare.html"))
  assert "evolved (2 seeds)" in html


@pytest.mark.slow
def test_a_browser_shows_the_page_without_errors_requests_or_overflow(compared, tmp_path):
  output = tmp_path / "compare.html"
  output.write_text(comparison_page.html(compared, str(output)), encoding="utf-8")
  with browser.opened() as tab:
    tab.open(output.as_uri())
    tab.resize(360)
    assert (tab.errors, tab.requests) == ([], [output.as_uri()])
    assert tab.value("document.documentElement.scrollWidth") <= 360
    titles = "[...document.querySelectorAll('svg')].map(each => !!each.querySelector('title'))"
    assert set(tab.value(titles)) == {True}


def test_long_values_that_begin_alike_get_letters(compared):
  texts = ["x" * 60 + "1", "x" * 60 + "2", "short"]
  assert [text[:3] for text in comparison._shortened(texts)] == ["A: ", "B: ", "C: "]


def test_other_data_are_noted(compared, runs, tmp_path):
  folder = run_folder.copied(runs[0], tmp_path / "other")
  path = folder / "search.json"
  content = json.loads(path.read_text())
  content["identity"]["data_dir"] = "another"
  path.write_text(json.dumps(content))
  [note] = comparison.read([runs[0], str(folder)]).notes
  assert note.startswith("The runs read different datasets")


def test_a_folder_without_a_run_is_refused(runs, tmp_path):
  with pytest.raises(cli.UserError, match=f"^{tmp_path} has no search.json .* no run in it"):
    comparison.read([runs[0], str(tmp_path)])


def test_the_command_prints_the_table_and_writes_the_page(runs, tmp_path):
  output = tmp_path / "compare.html"
  command = [sys.executable, "-m", "official.compare", *runs[:2], f"--output={output}"]
  done = subprocess.run(command, text=True, capture_output=True, check=True, timeout=120)
  assert done.stdout.splitlines()[0].split()[:3] == ["run", "seed", "state"]
  assert done.stdout.splitlines()[-1] == f"wrote {output}; open it in a browser"
  assert "<svg" in output.read_text()


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["a", "a"], "error: a run is named twice; name every run once"),
  ],
)
def test_a_mistake_is_one_line(arguments, message):
  command = [sys.executable, "-m", "official.compare", *arguments]
  done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=120)
  assert (done.returncode, done.stdout) == (2, "")
  [line] = done.stderr.splitlines()
  assert line.startswith(message)
