"""Makes the maker of run directories importable by one name, and one run for all tests."""

import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "search")]


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> pathlib.Path:
  """A search of fake trainings that has finished; tests copy what they change."""
  import run_folder

  return run_folder.make(tmp_path_factory.mktemp("reports") / "run")
