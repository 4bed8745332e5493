"""The page that evolve and train write at their end."""

import run_folder

from official.programs import run_page
from official.reports import run_report


def test_the_page_lies_in_the_run_and_is_named(finished_run, tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(run_report, "SECTIONS", (run_report.summary,))
  folder = run_folder.copied(finished_run, tmp_path / "run")
  run_page.write(str(folder))
  assert capsys.readouterr().out == f"report: {folder}/report.html\n"
  assert "What the search found" in (folder / "report.html").read_text()


def test_a_page_that_cannot_be_written_is_one_line(finished_run, tmp_path, capsys, monkeypatch):
  def fails(*_):
    raise RuntimeError("two\nlines")

  monkeypatch.setattr(run_report, "write", fails)
  folder = run_folder.copied(finished_run, tmp_path / "run")
  run_page.write(str(folder))
  [line] = capsys.readouterr().out.splitlines()
  assert line.startswith("report: not written (RuntimeError: two lines)")


def test_a_folder_without_a_run_is_left_alone(tmp_path, capsys):
  run_page.write(str(tmp_path))
  assert capsys.readouterr().out == ""
  assert not list(tmp_path.iterdir())
