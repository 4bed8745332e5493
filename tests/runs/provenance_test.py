"""Which version and commit a run is said to be of."""

import datetime
import subprocess

import pytest

from official.runs import provenance


@pytest.fixture
def checkout(tmp_path):
  (tmp_path / "pyproject.toml").write_text('[project]\nversion = "7.8.9"\n')
  return tmp_path


def git(folder, *arguments):
  command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments]
  return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_version_is_that_of_the_checkout(checkout):
  assert provenance.version(str(checkout)) == "7.8.9"


def test_a_commit_is_told_and_whether_files_were_changed(checkout):
  git(checkout, "init", "-q")
  git(checkout, "add", ".")
  git(checkout, "commit", "-q", "-m", "a")
  provenance.commit.cache_clear()
  commit = git(checkout, "rev-parse", "HEAD")
  assert provenance.commit(str(checkout)) == commit
  provenance.commit.cache_clear()
  (checkout / "pyproject.toml").write_text("")
  assert provenance.commit(str(checkout)) == f"{commit}-dirty"


def test_a_folder_inside_another_checkout_has_no_commit(checkout):
  git(checkout, "init", "-q")
  installed = checkout / "installed"
  installed.mkdir()
  assert provenance.commit(str(installed)) is None


def test_a_start_is_dated_in_utc():
  at = datetime.datetime.fromisoformat(provenance.this_start().at)
  assert at.utcoffset() == datetime.timedelta()
