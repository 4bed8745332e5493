"""The page of a run.

    written = run_report.write("run", "run/report.html")

SECTIONS are its sections, in the order of the page. A section that fails does not take the others
with it: the page then says so, and `Written.failures` has the error.
"""

import dataclasses
import os
from types import ModuleType

from data_prep.common import cli
from data_prep.common import files
from official.reports import facts
from official.reports import page
from official.reports import pictures
from official.reports import words
from official.reports.sections import cost
from official.reports.sections import final
from official.reports.sections import fitness
from official.reports.sections import genealogy
from official.reports.sections import leaderboard
from official.reports.sections import learned
from official.reports.sections import summary
from official.reports.sections import winner
from official.runs import json_files

SECTIONS: tuple[ModuleType, ...] = (
  summary,
  winner,
  fitness,
  genealogy,
  learned,
  cost,
  final,
  leaderboard,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
  """A report before it is written.

  Attributes:
    run: What it is about.
    sections: What it shows.
    failures: Sections that could not be made, a line each.
  """

  run: facts.Run
  sections: tuple[page.Section, ...]
  failures: tuple[str, ...]

  def html(self, output: str) -> str:
    """Returns the page, whose links lead from the folder of `output` to the run."""
    folder = os.path.dirname(os.path.abspath(output)) or "."
    return page.html(
      "What the search found" if self.run.is_search else "What the training came to",
      self.sections,
      subtitle=_subtitle(self.run),
      base=os.path.relpath(os.path.abspath(self.run.folder), folder).replace(os.sep, "/"),
    )


def default_path(folder: str) -> str:
  """Returns where the page of a run is written unless somebody says otherwise."""
  return json_files.join(folder, "report.html")


def make(folder: str) -> Report:
  """Returns the report of a run; UserError if there is none in the folder."""
  run = facts.read(folder)
  sections: list[page.Section] = []
  failures = []
  for module in SECTIONS:
    name = module.__name__.split(".")[-1]
    try:
      with pictures.style():
        section = module.section(run)
    except Exception as error:
      failures.append(f"{name}: {type(error).__name__}: {error}")
      section = page.Section(name, name.capitalize(), [page.Text("This could not be shown.")])
    if section is not None:
      sections.append(section)
  return Report(run=run, sections=tuple(sections), failures=tuple(failures))


def write(folder: str, output: str, pictures_dir: str | None = None) -> Report:
  """Writes the page of a run, and each of its pictures as a file if `pictures_dir` is given.

  Raises:
    UserError: There is no run in the folder, or something cannot be written.
  """
  report = make(folder)
  try:
    files.write_bytes(output, report.html(output).encode("utf-8", "replace"))
  except OSError as error:
    raise cli.UserError(
      f"--output={output} cannot be written: {error.strerror or error}"
    ) from error
  if pictures_dir:
    try:
      _write_pictures(report, pictures_dir)
    except OSError as error:
      raise cli.UserError(
        f"--pictures={pictures_dir} cannot be written: {error.strerror or error}"
      ) from error
  return report


def _write_pictures(report: Report, folder: str) -> None:
  files.make_directory(folder)
  for section in report.sections:
    for figure in page.figures(section.parts):
      _write_picture(os.path.join(folder, figure.name), figure)


def _write_picture(path: str, figure: page.Figure | page.Image) -> None:
  if isinstance(figure, page.Image):
    files.write_bytes(path + ".png", figure.png)
    return
  svg = figure.picture.svg_file(figure.title, figure.description)
  files.write_bytes(path + ".svg", svg.encode())
  files.write_bytes(path + ".png", figure.picture.png())


def _name(run: facts.Run) -> str:
  return os.path.basename(run.folder.rstrip("/")) or run.folder


def _subtitle(run: facts.Run) -> str:
  started = f", begun on {words.date(run.timing.starts[0].at)}" if run.timing.starts else ""
  return f"{_name(run)}: {words.condition(run)}{started}"
