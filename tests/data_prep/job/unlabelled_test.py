"""A manifest without the column `label`: a dataset without classes."""

import contextlib
import io
import re

import pytest

from data_prep.common import files
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import preview_clips
from data_prep.dataset import preview_page
from data_prep.dataset import records
from data_prep.job import preparation

_SETTINGS = clip_examples.Settings(fps=10, short_side=24)
_ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


@pytest.fixture(scope="module")
def unlabelled(manifest, tmp_path_factory):
  """The dataset of the session's manifest without its column of labels: folder, what was said."""
  lines = manifest.read_text().splitlines()
  path = manifest.with_name("unlabelled.csv")
  path.write_text("".join("{0},{2}\n".format(*line.split(",")) for line in lines))
  folder = str(tmp_path_factory.mktemp("unlabelled") / "data")
  said = io.StringIO()
  with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
    _prepare(str(path), folder)
  return folder, said.getvalue()


def _prepare(manifest: str, folder: str) -> metadata.DatasetInfo:
  return preparation.prepare(manifest, folder, _SETTINGS, num_shards=1, operation=_ONE_WORKER)


def _read(folder: str) -> list:
  (path,) = metadata.shard_paths(folder, "test")
  with files.open_to_read(path) as file:
    return [records.parse(record) for record in records.read_records(file)]


def test_the_job_says_that_there_are_no_labels_and_counts_clips(unlabelled):
  said = unlabelled[1]
  assert re.search(r"preparing 7 clips without labels \(.*unlabelled.csv has none\) into 3 f", said)
  assert "clips      3           1     2    6" in said and "class" not in said


def test_its_clips_are_those_with_labels_without_the_labels(unlabelled, manifest, tmp_path):
  folder, other = unlabelled[0], str(tmp_path / "labelled")
  info = metadata.load(folder)
  assert (info.classes, info.multi_label) == ((), False)
  assert info.class_clips == {"train": [], "validation": [], "test": []}
  assert info.splits == _prepare(str(manifest), other).splits
  for (context, lists), (labelled, same) in zip(_read(folder), _read(other), strict=True):
    label = {f"clip/label/{name}" for name in ("index", "string", "text")}
    assert {key: value for key, value in labelled.items() if key not in label} == context
    assert lists == same


def test_its_preview_shows_clips_without_classes(unlabelled):
  folder, info = unlabelled[0], metadata.load(unlabelled[0])
  shown = preview_clips.summarize(preview_clips.read(folder, info, 9), info, 2)
  page = preview_page.render("data", info, shown, [])
  assert re.search(r"<h2[^>]*>Clips <small>2 of the 6 clips that were read", page)
  assert "Clips by class" not in page and "not shown" not in page
