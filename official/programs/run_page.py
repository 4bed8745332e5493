"""Writes the page of a run at its end (official.reports), whatever becomes of it.

The run has its result by then, so that a page that cannot be made is one line, and no failure.
"""

import os

from data_prep.common import cli
from official.runs import json_files


def write(model_dir: str) -> None:
  """Writes report.html, and names it, and tensorboard/; a folder without a run is left alone."""
  names = ("search.json", "train.json")
  if not any(json_files.exists(json_files.join(model_dir, name)) for name in names):
    return
  try:
    from official.reports import board_runs  # They import matplotlib, which takes a second.
    from official.reports import run_report

    output = run_report.default_path(model_dir)
    report = run_report.write(model_dir, output)
    if not json_files.is_url(model_dir):
      folder = json_files.join(model_dir, board_runs.FOLDER)
      board_runs.write(report.run, report.sections, folder)
  except Exception as error:
    told = cli.one_line(f"{type(error).__name__}: {error}")
    print(f"report: not written ({told}); python -m official.report writes it", flush=True)
    return
  for line in report.failures:
    print(f"report: a section could not be made: {cli.one_line(line)}")
  print(f"report: {os.path.normpath(output) if '://' not in output else output}", flush=True)
