"""Datasets of a release in which OpenCV computed the flow of the profile `fast`."""

import contextlib
import json

import pytest

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import tvl1
from data_prep.job import folder
from data_prep.job import preparation

SETTINGS = clip_examples.Settings(fps=10, short_side=24)
ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


@pytest.fixture
def prepare(write_video, tmp_path):
  """Prepares one clip in a folder, and returns what dataset.json says."""
  write_video(tmp_path / "a.mp4")
  manifest = tmp_path / "m.csv"
  manifest.write_text("path,label,split\na.mp4,run,train\n")
  return lambda directory, settings=SETTINGS: preparation.prepare(
    str(manifest), str(directory), settings, operation=ONE_WORKER
  )


def test_an_unfinished_one_is_refused_and_not_mixed_with_ours(prepare, tmp_path):
  info, unfinished = prepare(tmp_path / "data"), tmp_path / "unfinished"
  earlier = folder.Identity(
    settings=info.settings,
    manifest_sha256=info.manifest_sha256,
    versions={name: version for name, version in info.versions.items() if name != "tvl1"},
  )
  with contextlib.suppress(KeyboardInterrupt), folder.owned(str(unfinished), earlier):
    raise KeyboardInterrupt
  with pytest.raises(
    cli.UserError,
    match=f"unfinished preparation by tvl1 of an earlier release, and this is tvl1 {tvl1.VERSION}; "
    "give the command that began it to resume it, another `directory`, or `overwrite`",
  ):
    prepare(unfinished)


def test_a_finished_one_is_used_as_it_is(prepare, tmp_path, content_of, capsys):
  prepare(tmp_path / "data")
  path = tmp_path / "data" / "dataset.json"
  content = json.loads(path.read_text())
  del content["versions"]["tvl1"]
  path.write_text(json.dumps(content))
  before = content_of(tmp_path / "data")
  info = prepare(tmp_path / "data")
  assert "nothing to do" in capsys.readouterr().out
  assert content_of(tmp_path / "data") == before
  assert set(info.versions) == {"av", "ffmpeg", "opencv"}


def test_flow_that_opencv_computes_has_no_version_of_ours(prepare, tmp_path):
  settings = clip_examples.Settings(fps=10, short_side=24, flow_profile="opencv_default")
  assert set(prepare(tmp_path / "data", settings).versions) == {"av", "ffmpeg", "opencv"}
