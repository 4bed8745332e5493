"""The place of decoded videos: on disk, in memory, or nowhere.

    disk     in memory-mapped files of --cache_dir, decoded once for all candidates and searches
    memory   in the memory of each training process, decoded once in each
    none     nowhere: the frames of a clip are decoded when the clip is due
    auto     disk where the decoded split takes at most a quarter of the free disk space and of the
             machine's memory (files that are mapped are fast while they fit there); none elsewhere

All four give the same clips, to the bit, so that another choice may be made at any time.
"""

from collections.abc import Mapping
import math
import os
import shutil

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import metadata
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo
from official.inputs import stream_sizes

MODES = ("auto", "memory", "disk", "none")
_ASPECT = 16 / 9  # Of frames whose width nobody has looked at yet.
_SHARE = 0.25


def directory(data_dir: str, fallback: str) -> str:
  """Returns `cache/` beside the data, for all searches; below `fallback` if that is no place."""
  writable = not files.is_url(data_dir) and os.access(data_dir, os.W_OK)
  return files.join(data_dir if writable else fallback, "cache")


def choose(mode: str, cache_dir: str, size: float) -> str:
  """Returns "disk", "memory" or "none".

  Args:
    mode: One of MODES.
    cache_dir: A folder, which need not be there yet.
    size: Bytes of the decoded videos.

  Raises:
    UserError: The mode is unknown, or it cannot be had.
  """
  if mode not in MODES:
    raise cli.UserError(f"unknown cache {mode!r}; there are {', '.join(MODES)}")
  if mode == "disk" and files.is_url(cache_dir):
    raise cli.UserError(
      f"the cache disk needs a local folder, and {cache_dir} is none; give "
      "`cache_dir`, or the cache memory or none"
    )
  if mode == "memory" and size > _memory():
    raise cli.UserError(
      f"the cache memory would take {size / 1e9:,.1f} GB, and this machine has "
      f"{_memory() / 1e9:,.1f} GB; choose the cache disk or none"
    )
  if mode != "auto":
    return mode
  if files.is_url(cache_dir) or size > _SHARE * min(_free_disk(cache_dir), _memory()):
    return "none"
  return "disk"


def decoded_bytes(
  split: metadata.SplitInfo, streams: Mapping[str, StreamInfo], side: int, *, shrunk: bool
) -> float:
  """Returns about how many bytes the streams of a split take at short side `side`.

  Args:
    split: How much there is.
    streams: Which streams.
    side: In pixels.
    shrunk: Whether the dataset's is larger.
  """
  size = 0
  for stream in streams.values():
    kept = stream_kinds.get(stream.kind).type_of(stream, resized=shrunk and not stream.own_size)
    short = stream_sizes.scaled(stream, side)
    pixels = math.prod(stream.own_size or (math.ceil(short * short * _ASPECT),))
    size += pixels * stream.channels * kept.itemsize
  return split.frames * size


def _free_disk(folder: str) -> int:
  while not os.path.exists(folder):
    folder = os.path.dirname(os.path.abspath(folder))
  return shutil.disk_usage(folder).free if os.access(folder, os.W_OK) else 0


def _memory() -> int:
  return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
