"""A preparation from and to s3://, against a server on loopback."""

from collections.abc import Callable
import os
import re
import signal
import subprocess
import sys

import pytest

from data_prep.common import cli
from data_prep.common import faults
from data_prep.common import files
from data_prep.dataset import clip_examples
from data_prep.job import preparation
from data_prep.job import shards
from tests.data_prep.conftest import ROOT

pytestmark = pytest.mark.slow
FLAGS = ["--fps=10", "--short_side=24", "--num_shards=3", "--direct_num_workers=1"]


@pytest.fixture
def place(s3_store, manifest) -> str:
  """A bucket with the manifest and the videos in its folder `videos`."""
  bucket = s3_store.new_bucket()
  for path in manifest.parent.iterdir():
    s3_store.put(f"{bucket}/videos/{path.name}", path.read_bytes())
  return bucket


@pytest.fixture
def command(s3_store, place) -> list[str]:
  """The command, from and to the bucket."""
  urls = [f"--manifest={place}/videos/manifest.csv", f"--output_dir={place}/data"]
  return ["-m", "data_prep.extract", *urls, *FLAGS, *s3_store.arguments]


@pytest.fixture
def killed_at(s3_store, command) -> Callable[[Callable[[str, str], bool]], None]:
  """Runs the command until the server holds a request that fits, and kills it then."""

  def run(fits: Callable[[str, str], bool]) -> None:
    with s3_store.hold(fits) as held:
      process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
      )
      try:
        held.wait()
      finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

  return run


@pytest.fixture
def expected(manifest, tmp_path, run_main, content_of) -> dict[str, bytes]:
  """What the same command makes on the local disk."""
  paths = [f"--manifest={manifest}", f"--output_dir={tmp_path / 'local'}"]
  assert run_main(["-m", "data_prep.extract", *paths, *FLAGS]).returncode == 0
  return content_of(tmp_path / "local")


def _uploads(method: str, path: str) -> bool:
  """Tells the content of a shard's file that is not whole yet."""
  return method == "PUT" and bool(re.search(r"/train-.*incomplete\?.*partNumber", path))


class _DeletesWhatItCopied:
  """Tells the second half of a shard's renaming, the first of which is its copy."""

  def __init__(self):
    self._copied = False

  def __call__(self, method: str, path: str) -> bool:
    self._copied |= method == "PUT" and bool(re.search(r"/train-[^?]*tfrecord\?", path))
    return self._copied and method == "POST" and "delete" in path


def test_a_job_that_is_killed_twice_ends_with_the_bytes_of_a_local_one(
  s3_store, place, command, killed_at, run_main, expected
):
  killed_at(_uploads)
  left = s3_store.content(f"{place}/data")
  _are_whole(left, expected)
  assert not [name for name in left if name.startswith("train-")]
  killed_at(_DeletesWhatItCopied())
  left = s3_store.content(f"{place}/data")
  _are_whole(left, expected)
  assert [name for name in left if name.endswith(files.TEMPORARY_SUFFIX)]
  again = run_main(command)
  assert again.returncode == 0 and "resuming: " in again.stdout
  assert s3_store.content(f"{place}/data") == expected

  environment = os.environ | {
    "AWS_ENDPOINT_URL": s3_store.url,
    "AWS_ACCESS_KEY_ID": s3_store.options["s3_access_key_id"],
    "AWS_SECRET_ACCESS_KEY": s3_store.options["s3_secret_access_key"],
  }
  urls = [f"--data_dir={place}/data", f"--output={place}/page.html"]
  assert run_main(["-m", "data_prep.preview", *urls], env=environment).returncode == 0
  assert b"<html" in s3_store.content(place)["page.html"]


def _are_whole(there: dict[str, bytes], expected: dict[str, bytes]) -> None:
  """Checks what a killed job has left: no dataset yet, and no file with a part of its content."""
  assert f"{shards.UNFINISHED}/job.json" in there and "dataset.json" not in there
  ours = {name: content for name, content in there.items() if name in expected}
  assert ours == {name: expected[name] for name in ours}


@pytest.mark.parametrize(
  "changed, error",
  [
    (
      {"s3_access_key_id": ""},
      "no keys for s3:// were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in",
    ),
    (
      {"output_dir": "s3://nowhere/data"},
      "there is no bucket s3://nowhere; create it, or give another URL",
    ),
    ({"manifest": "{place}/none.csv"}, "there is no manifest {place}/none.csv; `manifest` names"),
    ({"s3_endpoint_url": "http://127.0.0.1:9"}, "{place} does not answer (Could not connect to "),
    ({"manifest": "nowhere://a.csv"}, "no file system is known for nowhere://; give a path, or"),
  ],
)
def test_what_stops_a_job_is_told_in_one_line_before_any_work(
  s3_store, place, monkeypatch, changed, error
):
  for name in [name for name in os.environ if name.startswith("AWS_")]:
    monkeypatch.delenv(name)
  monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
  monkeypatch.setenv("HOME", "/nowhere")
  given = s3_store.options | {
    "manifest": f"{place}/videos/manifest.csv",
    "output_dir": f"{place}/data",
  }
  given |= {name: value.format(place=place) for name, value in changed.items()}
  manifest, directory = given.pop("manifest"), given.pop("output_dir")
  beam_arguments = [f"--{name}={value}" for name, value in given.items() if value]
  before = s3_store.content(place)
  with pytest.raises((OSError, cli.UserError)) as raised:
    preparation.prepare(
      manifest,
      directory,
      clip_examples.Settings(fps=10, short_side=24),
      operation=preparation.Operation(beam_arguments=beam_arguments),
    )
  assert error.format(place=place) in faults.describe(raised.value)
  assert s3_store.content(place) == before


def test_without_boto3_the_extra_is_named(tmp_path, command, run_main):
  (tmp_path / "boto3.py").write_text("raise ImportError\n")
  ran = run_main(command, env=os.environ | {"PYTHONPATH": str(tmp_path)})
  assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
  assert "s3:// needs boto3, which is not installed; it is in the extra s3: pip" in ran.stderr
