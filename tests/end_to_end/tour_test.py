"""docs/tour.ipynb runs from its first cell to its last."""

import os
import pathlib

import nbclient
import nbformat
import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
TOUR = ROOT / "docs/tour.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> nbformat.NotebookNode:
  """The notebook with its outputs."""
  folder = tmp_path_factory.mktemp("tour")
  notebook = nbformat.read(TOUR, as_version=4)
  client = nbclient.NotebookClient(
    notebook,
    timeout=540,
    kernel_name="python3",
    resources={"metadata": {"path": str(TOUR.parent)}},
  )
  environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
  return client.execute(env=environment)


def _text(cell: nbformat.NotebookNode) -> str:
  printed = [output for output in cell.outputs if output.get("name") == "stdout"]
  return "".join(output["text"] for output in printed)


def test_the_notebook_is_stored_without_outputs():
  cells = nbformat.read(TOUR, as_version=4).cells
  assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells)


def test_it_shows_a_picture(executed):
  outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
  assert any("image/png" in output.get("data", {}) for output in outputs)


def test_it_answers_about_videos(executed):
  answers = _text(executed.cells[-1]).splitlines()
  assert answers[0] == "exported/1 run/export/1"
  assert len(answers) == 4
