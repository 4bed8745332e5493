"""A preparation from its manifest to its finished folder: what comes before and after the Beam
job."""

from collections.abc import Mapping, Sequence
import concurrent.futures
import functools
import json
import os
import time
from typing import Any

import av
import cv2

from data_prep import cli
from data_prep import clips
from data_prep import dataset
from data_prep import files
from data_prep import folder
from data_prep import progress
from data_prep import rows
from data_prep import shards


def prepare(manifest: str,
            directory: str,
            settings: clips.Settings,
            *,
            num_shards: int = 0,
            beam_arguments: Sequence[str] = ()) -> dataset.DatasetInfo:
  """Makes the dataset of a manifest in `directory`, unless it is there, and returns what is in it.

  Args:
    manifest: CSV; see rows.py.
    directory: Folder to make.
    settings: What shapes the clips.
    num_shards: Files a split; 0 chooses by the number of clips.
    beam_arguments: Options for Beam, as on a command line.
  """
  began = time.monotonic()
  options = _beam_options(beam_arguments) if beam_arguments else None
  all_rows = rows.read(manifest)
  flags = settings.identity | {"num_shards": num_shards}
  finished = folder.finished(directory, flags, rows.digest(all_rows))
  if finished:
    print(f"{directory} is already prepared from this manifest with these flags: nothing to do")
    return finished
  _require_some_video(all_rows, manifest)
  plan = shards.assign(all_rows, num_shards)
  classes = rows.classes(all_rows)
  with folder.owned(directory):
    print(f"preparing {len(all_rows)} clips of {len(classes)} classes into {len(plan)} files in "
          f"{directory}", flush=True)
    _run(directory, settings, classes, plan, options or _beam_options(()))
    results = _results(directory, plan)
    failures = sorted((failure for result in results for failure in result["failures"]),
                      key=lambda failure: failure["id"])
    if len(failures) == len(all_rows):
      raise cli.UserError(
          f"no usable video: none of the {len(all_rows)} clips of {manifest} could be used; the "
          f"first, {failures[0]['path']}: {failures[0]['error']}; nothing was written")
    info = dataset.DatasetInfo(classes=classes,
                               streams=settings.streams,
                               fps=settings.fps,
                               short_side=settings.short_side,
                               splits=_splits(directory, plan, results),
                               failures=len(failures),
                               multi_label=any(len(row.labels) > 1 for row in all_rows),
                               manifest_sha256=rows.digest(all_rows),
                               settings=flags,
                               versions=_versions())
    lines = "".join(json.dumps(failure) + "\n" for failure in failures)
    files.write_bytes(files.join(directory, dataset.FAILURES_NAME), lines.encode())
    dataset.save(info, directory)
  print(_summary(info, directory, time.monotonic() - began))
  return info


def _beam_options(arguments: Sequence[str]):
  # Beam takes seconds to import: not for --help, nor for a finished folder.
  from data_prep import pipeline
  return pipeline.options_from(arguments)


def _versions() -> dict[str, str]:
  """Versions of the libraries that shape the bytes."""
  return {"av": av.__version__, "ffmpeg": av.ffmpeg_version_info, "opencv": cv2.__version__}


def _require_some_video(all_rows: Sequence[rows.Row], manifest: str) -> None:
  """Raises UserError when no video is there; what is wrong with single ones the job finds out."""
  if not any(files.is_url(row.location) or os.path.isfile(row.location) for row in all_rows):
    raise cli.UserError(
        f"no usable video: none of the {len(all_rows)} that {manifest} lists is there; the first "
        f"would be {all_rows[0].location} (paths are relative to the manifest's folder)")


def _run(directory: str, settings: clips.Settings, classes: Sequence[str],
         plan: Sequence[shards.Shard], options) -> None:
  from data_prep import pipeline
  unfinished = shards.unfinished_directory(directory)
  if files.is_url(directory):
    read, interval = functools.partial(_read_finished_shards, directory, plan), 10.0
  else:
    read, interval = functools.partial(progress.read, unfinished), 0.5
  with progress.Reporter(read, sum(len(shard.rows) for shard in plan), interval=interval):
    pipeline.run(directory, settings, classes, plan, options)


def _read_finished_shards(directory: str, plan: Sequence[shards.Shard]) -> progress.Counts:
  """Progress where workers share no local folder: by whole shards, failures not told apart."""
  done = set(files.names(shards.results_directory(directory)))
  return progress.Counts(done=sum(
      len(shard.rows) for shard in plan if shard.name + ".json" in done))


def _results(directory: str, plan: Sequence[shards.Shard]) -> list[Mapping[str, Any]]:
  with concurrent.futures.ThreadPoolExecutor(16) as threads:  # A URL takes a while to answer.
    return list(threads.map(functools.partial(shards.read_result, directory), plan))


def _splits(directory: str, plan: Sequence[shards.Shard],
            results: Sequence[Mapping[str, Any]]) -> dict[str, dataset.SplitInfo]:
  """Adds up each split; the files of one without a usable clip, which are empty, are removed."""
  splits = {}
  for split in dataset.SPLITS:
    members = [
        (shard, result) for shard, result in zip(plan, results, strict=True) if shard.split == split
    ]
    clip_count = sum(result["clips"] for _, result in members)
    if not clip_count:
      files.remove([files.join(directory, shard.name) for shard, _ in members])
    splits[split] = dataset.SplitInfo(clips=clip_count,
                                      frames=sum(result["frames"] for _, result in members),
                                      shards=len(members) if clip_count else 0)
  return splits


def _summary(info: dataset.DatasetInfo, directory: str, seconds: float) -> str:
  counts = ", ".join(f"{split.clips} {name}" for name, split in info.splits.items())
  frames = sum(split.frames for split in info.splits.values())
  text = f"prepared {directory}: {counts} clips, {frames} frames, in {progress.duration(seconds)}"
  if info.failures:
    text += (f"; {info.failures} clips could not be used: see "
             f"{files.join(directory, dataset.FAILURES_NAME)}")
  return text
