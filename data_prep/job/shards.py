"""Shards: which clips go into which file, and the making of one file.

A shard is the unit of work. Its clips are fixed by the manifest and `--num_shards` alone, and are
written in order of their ids, so that the bytes do not depend on how many workers there are or how
they share the work. Clips are assigned to the shards of their split in turn, which spreads long
and short ones.

While a job runs, its folder has a subfolder `.unfinished`:

    job.json             what is being prepared (folder.py)
    lengths-*.json       of videos that are cut into windows (windows.py), from videos.json
    plan.json            the shards that are to be written with their rows, in the order of work
    results/<shard>.json what became of a shard, written when its file is complete
    stop                 there when too much fails: workers begin no other shard
    progress-*           counts (progress.py)
    lock                 held by the driver

A shard with a result and a file is finished, whatever happens to the job.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
import dataclasses
import json
import os
from typing import Any

from data_prep.common import files
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import rows
from data_prep.dataset import stream_clips
from data_prep.dataset.stream_inputs import StreamInput

UNFINISHED = ".unfinished"
_STOP = "stop"
_CLIPS_PER_SHARD = 4
_FEWEST_SHARDS = 64
_MOST_SHARDS = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
  """One output file and the clips that belong in it, in order."""

  name: str
  split: str
  rows: tuple[rows.Row, ...]


def assign(all_rows: Sequence[rows.Row], num_shards: int = 0) -> tuple[Shard, ...]:
  """Returns the shards of every split that has rows.

  Args:
    all_rows: In order of clip id.
    num_shards: Files a split; a split of fewer clips has as many files as clips. 0 makes one file
      for every 4 clips, but at least 64, so that workers can share a small split evenly, and at
      most 4096.
  """
  shards = []
  for split in metadata.SPLITS:
    members = [row for row in all_rows if row.split == split]
    wanted = num_shards or min(
      _MOST_SHARDS, max(_FEWEST_SHARDS, -(-len(members) // _CLIPS_PER_SHARD))
    )
    count = min(wanted, len(members))
    shards += [
      Shard(
        name=metadata.shard_name(split, index, count),
        split=split,
        rows=tuple(members[index::count]),
      )
      for index in range(count)
    ]
  return tuple(shards)


def in_working_order(shards: Sequence[Shard], workers: int) -> tuple[Shard, ...]:
  """Orders shards so that workers who are served in turn get about the same number of bytes.

  Rounds of `workers` shards, the largest first, each round in the opposite direction of the one
  before.
  """
  size = {shard.name: sum(_size(row.location) for row in shard.rows) for shard in shards}
  largest_first = sorted(shards, key=lambda shard: (-size[shard.name], shard.name))
  ordered = []
  for begin in range(0, len(largest_first), workers):
    members = largest_first[begin : begin + workers]
    backwards = begin // workers % 2 and len(members) == workers
    ordered += reversed(members) if backwards else members
  return tuple(ordered)


def write_plan(shards: Sequence[Shard], directory: str) -> None:
  """Writes plan.json."""
  content = json.dumps([dataclasses.asdict(shard) for shard in shards])
  files.write_bytes(_unfinished(directory, "plan.json"), content.encode())


def read_plan(directory: str) -> tuple[Shard, ...]:
  """Inverse of `write_plan`."""
  plan = json.loads(files.read_bytes(_unfinished(directory, "plan.json")))
  return tuple(
    Shard(
      name=shard["name"],
      split=shard["split"],
      rows=tuple(rows.Row(**row | {"labels": tuple(row["labels"])}) for row in shard["rows"]),
    )
    for shard in plan
  )


def write(
  shard: Shard,
  directory: str,
  make_clip: Callable[[rows.Row], tuple[bytes, int]],
  inputs: Sequence[StreamInput] = (),
) -> None:
  """Makes a shard's file, whole or not at all, and then its result.

  A clip that cannot be used, for which `make_clip` raises ClipError, becomes an entry of the
  result's `failures`; an error in writing is raised.
  """
  done = frames = 0
  failures, notes, measured = [], {}, {}
  with files.written_whole(files.join(directory, shard.name)) as file:
    for row in shard.rows:
      try:
        record, length = make_clip(row)
      except clip_examples.ClipError as error:
        failures.append(
          {"id": row.clip_id, "path": row.path, "stage": error.stage, "error": str(error)}
        )
      else:
        records.write_record(file, record)
        if found := clip_examples.notes_of(record):
          notes[row.clip_id] = found
        for name, found in stream_clips.moments_of(record, inputs).items():
          measured[name] = measured[name] + found if name in measured else found
        done, frames = done + 1, frames + length
  result = {"split": shard.split, "clips": done, "frames": frames, "failures": failures}
  if notes:
    result["notes"] = notes
  if measured:
    result["streams"] = {name: dataclasses.asdict(one) for name, one in measured.items()}
  files.write_bytes(_result_path(directory, shard), json.dumps(result).encode())


def finished_names(directory: str) -> set[str]:
  """Returns the names of the shards that are finished."""
  there = set(files.names(directory))
  results = {name.removesuffix(".json") for name in files.names(results_directory(directory))}
  return results & there


def forget(directory: str, names: Iterable[str]) -> None:
  """Makes shards of these names unfinished."""
  files.remove([files.join(results_directory(directory), name + ".json") for name in names])


def stop(directory: str) -> None:
  """Tells the workers to start no other shard."""
  files.write_bytes(_unfinished(directory, _STOP), b"")


def is_stopped(directory: str) -> bool:
  """Returns whether `stop` was called."""
  return files.exists(_unfinished(directory, _STOP))


def read_result(directory: str, shard: Shard) -> Mapping[str, Any]:
  """Returns the result of a shard: its split, clips, frames, failures, and notes by clip id."""
  return json.loads(files.read_bytes(_result_path(directory, shard)))


def unfinished_directory(directory: str) -> str:
  """Returns the folder of a running job's own files."""
  return files.join(directory, UNFINISHED)


def results_directory(directory: str) -> str:
  """Returns the folder of the results."""
  return _unfinished(directory, "results")


def _result_path(directory: str, shard: Shard) -> str:
  return files.join(results_directory(directory), shard.name + ".json")


def _unfinished(directory: str, name: str) -> str:
  return files.join(unfinished_directory(directory), name)


def _size(location: str) -> int:
  return os.path.getsize(location) if os.path.isfile(location) else 0
