"""A preparation whose videos and folder lie behind URLs."""

import os
import shutil

from data_prep.common.quiet_beam import beam
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.job import preparation

SETTINGS = clip_examples.Settings(fps=10, short_side=24)
ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


class FolderFileSystem(beam.io.localfilesystem.LocalFileSystem):
  """A file system with a scheme, as clouds have: folder://x is a file `x` below `root`."""

  root: str

  @classmethod
  def scheme(cls):
    return "folder"

  def _local(self, path):
    return path.replace("folder:/", self.root, 1)

  def _url(self, metadata):
    path = metadata.path.replace(self.root, "folder:/", 1)
    return beam.io.filesystem.FileMetadata(path, metadata.size_in_bytes)

  def join(self, basepath, *paths):
    return "/".join([basepath.rstrip("/"), *paths])

  def mkdirs(self, path):
    super().mkdirs(self._local(path))

  def has_dirs(self):
    return False

  def match(self, patterns, limits=None):
    found = super().match([self._local(pattern) for pattern in patterns], limits)
    return [
      beam.io.filesystem.MatchResult(pattern, [self._url(m) for m in one.metadata_list])
      for pattern, one in zip(patterns, found)
    ]

  def create(self, path, *args, **options):
    return super().create(self._local(path), *args, **options)

  def open(self, path, *args, **options):
    return super().open(self._local(path), *args, **options)

  def rename(self, sources, targets):
    super().rename([self._local(path) for path in sources], [self._local(path) for path in targets])

  def exists(self, path):
    return super().exists(self._local(path))

  def delete(self, paths):
    for path in map(self._local, paths):
      shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def test_urls_are_read_and_written_through_beam(manifest, tmp_path, content_of, monkeypatch):
  monkeypatch.setattr(FolderFileSystem, "root", str(tmp_path), raising=False)
  shutil.copytree(manifest.parent, tmp_path / "videos")
  preparation.prepare(
    "folder://videos/manifest.csv", "folder://data", SETTINGS, num_shards=2, operation=ONE_WORKER
  )
  preparation.prepare(
    str(manifest), str(tmp_path / "local"), SETTINGS, num_shards=2, operation=ONE_WORKER
  )
  assert content_of(tmp_path / "data") == content_of(tmp_path / "local")
  assert metadata.load("folder://data").splits["train"].clips == 3
