"""A file system behind URLs, for tests: Beam finds it by its scheme."""

import contextlib
import os
import shutil

from data_prep.common.quiet_beam import beam


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
      if os.path.isdir(path):
        shutil.rmtree(path)
      else:  # One that is not there is no error, as in the clouds.
        with contextlib.suppress(FileNotFoundError):
          os.remove(path)
