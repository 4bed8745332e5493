"""Random access to the records of TFRecord files.

A TFRecord file has no table of contents, but each record begins with its length, so that one walk
over the headers finds them all. With the positions known, any order of the records is read by
seeking: a global shuffle needs no buffer, and a training that is resumed begins where it was,
without reading what came before.

The walk costs two small reads a record, over as many files at a time as there are threads; its
result is kept as `<cache_dir>/<split>-<dataset fingerprint>.records.npy`, int64 [records, 2]: file
and position in bytes.
"""

from collections.abc import Sequence
from concurrent import futures
import os
import struct
from typing import IO

import numpy as np
import tensorflow as tf

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import records

_HEADER = 12  # Length and its checksum.
_FOOTER = 4
_FILES_AT_A_TIME = 32


def locate(paths: Sequence[str], kept: str | None) -> np.ndarray:
  """Returns where the records of TFRecord files are, int64 [records, 2]: file, position in bytes.

  Args:
    paths: The files; the first number counts in their order.
    kept: A local file that has the result, or gets it; None keeps nothing.

  Raises:
    UserError: A file ends within a record.
  """
  if kept and os.path.exists(kept):
    index = _kept(kept)
    if index is not None:
      return index
  with futures.ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
    walks = pool.map(_walk, paths)
    rows = [(file, position) for file, walk in enumerate(walks) for position in walk]
  index = np.array(rows, np.int64).reshape(-1, 2)
  if kept:
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with files.written_whole(kept) as file:
      np.save(file, index)
  return index


def _kept(path: str) -> np.ndarray | None:
  """Returns the result of an earlier walk, or None if it is damaged and has to be replaced."""
  try:
    index = np.load(path)
  except (ValueError, EOFError):
    return None
  return index if index.dtype == np.int64 and index.ndim == 2 and index.shape[1] == 2 else None


def read(path: str, position: int) -> bytes:
  """Returns the data of the record at `position`; raises UserError if it is damaged."""
  with _open(path) as file:
    file.seek(position)
    try:
      return next(records.read_records(file))
    except (ValueError, StopIteration) as error:
      raise _damaged(path, position) from error


def first(path: str) -> bytes | None:
  """Returns the data of a file's first record, None if it has none; raises as `read` does."""
  return read(path, 0) if tf.io.gfile.stat(path).length else None


def _walk(path: str) -> list[int]:
  """Returns the position of every record of a file."""
  positions, position, end = [], 0, tf.io.gfile.stat(path).length
  with _open(path) as file:
    while position < end:
      file.seek(position)
      header = file.read(_HEADER)
      if len(header) < _HEADER:
        raise _damaged(path, position)
      length = _HEADER + struct.unpack("<Q", header[:8])[0] + _FOOTER
      if position + length > end:
        raise _damaged(path, position)
      positions.append(position)
      position += length
  return positions


def _open(path: str) -> IO[bytes]:
  return tf.io.gfile.GFile(path, "rb") if files.is_url(path) else open(path, "rb")


def _damaged(path: str, position: int) -> cli.UserError:
  return cli.UserError(
    f"{path} is damaged: the record at byte {position:,} is not whole; prepare the dataset again, "
    "into another folder"
  )
