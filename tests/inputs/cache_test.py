"""The cache of decoded videos is kept where its mode says."""

import os
import shutil

import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.inputs import cache


def _room(folder) -> int:
  memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  return min(shutil.disk_usage(folder).free, memory)


def test_auto_is_disk_for_what_fits_well(tmp_path):
  assert cache.choose("auto", str(tmp_path / "not" / "there"), 1e6) == "disk"


def test_auto_streams_what_would_fill_disk_or_memory(tmp_path):
  assert cache.choose("auto", str(tmp_path), 0.3 * _room(tmp_path)) == "none"


def test_auto_streams_where_files_cannot_be_mapped():
  assert cache.choose("auto", "gs://bucket/cache", 1.0) == "none"


@pytest.mark.parametrize("mode", ["disk", "memory", "none"])
def test_what_was_asked_for_is_done(tmp_path, mode):
  assert cache.choose(mode, str(tmp_path), 1e6) == mode


@pytest.mark.parametrize(
  "mode, folder, size, message",
  [
    ("ram", "/", 1, "unknown cache 'ram'; there are auto, memory, disk, none"),
    ("disk", "gs://b/c", 1, "the cache disk needs a local folder, and gs://b/c is none; give "),
    ("memory", "/", 1e18, r"the cache memory would take 1,000,000,000.0 GB, and this machine has "),
  ],
)
def test_what_cannot_be_had_is_refused(mode, folder, size, message):
  with pytest.raises(cli.UserError, match=message):
    cache.choose(mode, folder, size)


@pytest.mark.parametrize("side, shrunk, channels", [(40, False, 3 + 2), (20, True, 3 + 2 * 2)])
def test_the_size_is_that_of_the_decoded_values(two_stream, side, shrunk, channels):
  info = metadata.load(two_stream)
  values = side * side * 3 / 2 * info.splits["train"].frames
  size = cache.decoded_bytes(info.splits["train"], info.streams, side, shrunk=shrunk)
  assert size == pytest.approx(values * channels, rel=0.2)


def test_the_folder_is_beside_the_data_or_where_the_results_are(tmp_path):
  assert cache.directory(str(tmp_path), "/run") == str(tmp_path / "cache")
  assert cache.directory("gs://bucket/data", "/run") == "/run/cache"
