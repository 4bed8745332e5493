"""A preparation whose videos and folder lie behind URLs."""

import shutil

import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.job import preparation

SETTINGS = clip_examples.Settings(fps=10, short_side=24)
ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


@pytest.mark.usefixtures("folder_urls")
def test_urls_are_read_and_written_through_beam(manifest, tmp_path, content_of):
  shutil.copytree(manifest.parent, tmp_path / "videos")
  preparation.prepare(
    "folder://videos/manifest.csv", "folder://data", SETTINGS, num_shards=2, operation=ONE_WORKER
  )
  preparation.prepare(
    str(manifest), str(tmp_path / "local"), SETTINGS, num_shards=2, operation=ONE_WORKER
  )
  assert content_of(tmp_path / "data") == content_of(tmp_path / "local")
  assert metadata.load("folder://data").splits["train"].clips == 3
