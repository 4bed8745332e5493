"""A preparation, from its manifest to its finished folder: the steps around the Beam job."""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
import concurrent.futures
import dataclasses
import functools
import json
import os
import sys
import time
from typing import Any
import zlib

import cv2

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import progress
from data_prep.common import url_files
from data_prep.dataset import array_frames
from data_prep.dataset import class_table
from data_prep.dataset import clip_examples
from data_prep.dataset import mask_files
from data_prep.dataset import metadata
from data_prep.dataset import rows
from data_prep.dataset import stream_clips
from data_prep.dataset import stream_inputs
from data_prep.dataset import streams
from data_prep.dataset import tvl1
from data_prep.job import folder
from data_prep.job import shards
from data_prep.job import windowing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operation:
  """The operation of a job. A job may be resumed with another one.

  Attributes:
    max_failure_rate: The job stops when more than this share of all its clips has failed.
    overwrite: Whether another dataset in the folder, finished or not, may be lost.
    isolate_decoding: Whether clips are made in a process of their own (isolation.py).
    clip_timeout: Seconds after which such a process is ended, and the clip fails; 0 for never.
    beam_arguments: Options for Beam, as on a command line.
  """

  max_failure_rate: float = 0.5
  overwrite: bool = False
  isolate_decoding: bool = True
  clip_timeout: float = 0.0
  beam_arguments: Sequence[str] = ()

  @property
  def isolation(self) -> dict[str, Any]:
    """The settings that the workers receive."""
    return {"isolate_decoding": self.isolate_decoding, "clip_timeout": self.clip_timeout}


def prepare(
  manifest: str,
  directory: str,
  settings: clip_examples.Settings,
  *,
  cutting: windowing.Windows = windowing.NONE,
  num_shards: int = 0,
  masks: mask_files.MaskInput | None = None,
  operation: Operation = Operation(),
) -> metadata.DatasetInfo:
  """Makes the dataset of a manifest in `directory`, unless it exists, and returns its description.

  Args:
    manifest: CSV; see rows.py.
    directory: Folder to make. Where a run was killed, its finished shards are kept.
    settings: What shapes the clips.
    cutting: Windows of long videos.
    num_shards: Files a split; 0 chooses by the number of clips.
    masks: What is said of the masks of a manifest that has some.
    operation: How to go about it.

  Raises:
    UserError: The manifest is wrong, the folder holds something else, or too many clips fail.
  """
  began = time.monotonic()
  _check_beam_arguments(operation.beam_arguments)
  url_files.check(filter(files.is_url, (manifest, directory)))
  settings = _with_masks(settings, manifest, masks)
  all_rows = rows.read(manifest, stream_inputs.columns(settings.inputs))
  settings = _with_files(settings, all_rows, manifest)
  identity = folder.Identity(
    settings=settings.identity | dataclasses.asdict(cutting) | {"num_shards": num_shards},
    manifest_sha256=rows.digest(all_rows),
    versions=_versions(settings),
  )
  finished = folder.finished(directory, identity, overwrite=operation.overwrite)
  if finished:
    print(f"{directory} is already prepared from this manifest with these flags: nothing to do")
    return finished
  _require_some_video(all_rows, manifest)
  _check_beam_arguments(operation.beam_arguments, reachable=True)
  _tell(f"warning: {manifest}: {leak}" for leak in rows.leaks(all_rows))
  _tell(f"warning: {manifest}: {one}" for one in rows.contradictions(all_rows))
  with folder.owned(directory, identity, overwrite=operation.overwrite):
    if cutting.window_seconds:
      all_rows = _cut(all_rows, directory, cutting, operation)
    plan = shards.assign(all_rows, num_shards)
    info, table = _fill(directory, identity, manifest, all_rows, plan, settings, operation)
  print(_summary(info, directory, time.monotonic() - began))
  _tell_about(table)
  return info


def _fill(
  directory: str,
  identity: folder.Identity,
  manifest: str,
  all_rows: Sequence[rows.Row],
  plan: Sequence[shards.Shard],
  settings: clip_examples.Settings,
  operation: Operation,
) -> tuple[metadata.DatasetInfo, class_table.ClassTable]:
  """Writes the files of a dataset folder, dataset.json last; returns what is in them."""
  classes = rows.classes(all_rows)
  what = f"of {len(classes)} classes" if classes else f"without labels ({manifest} has none)"
  print(f"preparing {len(all_rows)} clips {what} into {len(plan)} files in {directory}", flush=True)
  results = _run(directory, settings, classes, plan, operation)
  failures = _failures(results, manifest, len(all_rows), operation.max_failure_rate)
  table = _table(all_rows, classes, failures)
  info = metadata.DatasetInfo(
    classes=classes,
    streams=_measured(settings, plan, results),
    fps=settings.fps,
    short_side=settings.short_side,
    splits=_splits(directory, plan, results),
    failures=len(failures),
    multi_label=any(len(row.labels) > 1 for row in all_rows),
    manifest_sha256=identity.manifest_sha256,
    settings=dict(identity.settings),
    versions=dict(identity.versions),
    class_clips=table.by_split(classes),
    notes=_notes(results),
  )
  lines = "".join(json.dumps(failure) + "\n" for failure in failures)
  files.write_bytes(files.join(directory, metadata.FAILURES_NAME), lines.encode())
  metadata.save(info, directory)
  return info, table


def _with_masks(
  settings: clip_examples.Settings, manifest: str, masks: mask_files.MaskInput | None
) -> clip_examples.Settings:
  """Returns the settings with the masks of a manifest that has a column of them."""
  if not mask_files.column_of(manifest):
    if masks and masks != mask_files.MaskInput():
      raise cli.UserError(
        f"`mask_classes` and `mask_every` are about masks, and {manifest} has no column "
        f"{mask_files.COLUMN}"
      )
    return settings
  inputs = (*settings.inputs, masks or mask_files.MaskInput())
  return dataclasses.replace(settings, inputs=inputs)


def _with_files(
  settings: clip_examples.Settings, all_rows: Sequence[rows.Row], manifest: str
) -> clip_examples.Settings:
  """Returns the settings with what the files of further streams say of them."""
  if not settings.inputs:
    return settings
  names = ", ".join(one.name for one in settings.inputs)
  print(f"looking at the files of the stream {names} of {len(all_rows)} clips", flush=True)
  plain = [one for one in settings.inputs if not isinstance(one, mask_files.MaskInput)]
  inputs = stream_inputs.looked_at(
    plain, all_rows, manifest, fps=settings.fps, bound=settings.flow_bound
  )
  masks = (one for one in settings.inputs if isinstance(one, mask_files.MaskInput))
  inputs += tuple(mask_files.looked_at(one, all_rows, manifest) for one in masks)
  return dataclasses.replace(settings, inputs=inputs)


def _measured(
  settings: clip_examples.Settings, plan: Sequence[shards.Shard], results: Mapping[str, Any]
) -> dict[str, streams.StreamInfo]:
  """Returns the streams, with the mean and the spread over the train split of those that have
  some."""
  of_train = (results[shard.name] for shard in plan if shard.split == metadata.SPLITS[0])
  parts = [result.get("streams", {}) for result in of_train]
  return stream_clips.with_moments(settings.streams, parts)


def _tell_about(table: class_table.ClassTable) -> None:
  """Prints the clips of every class, and what is missing."""
  _tell(table.lines())
  _tell(f"warning: {warning}" for warning in table.warnings(metadata.SPLITS[1:]))
  untrained = [name for name, counts in table.by_class.items() if not counts[0]]
  if untrained:
    print(
      f"warning: {len(untrained)} of the {len(table.by_class)} classes have no usable train clip: "
      f"{class_table.named(untrained)}",
      flush=True,
    )


def _check_beam_arguments(arguments: Sequence[str], *, reachable: bool = False) -> None:
  # Beam takes seconds to import: not for --help, nor for a finished folder.
  if arguments:
    from data_prep.job import pipeline

    (pipeline.check_reachable if reachable else pipeline.open_urls_with)(arguments)


def _cut(
  all_rows: Sequence[rows.Row], directory: str, cutting: windowing.Windows, operation: Operation
) -> tuple[rows.Row, ...]:
  from data_prep.job import pipeline

  print(f"looking up the lengths of {len({row.location for row in all_rows})} videos", flush=True)
  lengths = pipeline.look_up_lengths(
    directory, all_rows, operation.beam_arguments, **operation.isolation
  )
  return windowing.cut(all_rows, lengths, cutting)


def _versions(settings: clip_examples.Settings) -> dict[str, str]:
  """Returns the versions of what shapes the bytes: libraries, and our own flow."""
  import av

  found = {"av": av.__version__, "ffmpeg": av.ffmpeg_version_info, "opencv": cv2.__version__}
  if any(one.info.format == array_frames.FORMAT for one in settings.inputs):
    found["zlib"] = zlib.ZLIB_RUNTIME_VERSION
  if (settings.flow, settings.flow_profile) == (tvl1.ALGORITHM, tvl1.FAST):
    found[tvl1.ALGORITHM] = str(tvl1.VERSION)
  return found


def _require_some_video(all_rows: Sequence[rows.Row], manifest: str) -> None:
  """Raises UserError if no video exists; the job reports what is wrong with single ones."""
  if not any(files.is_url(row.location) or os.path.isfile(row.location) for row in all_rows):
    raise cli.UserError(
      f"no usable video: none of the {len(all_rows)} that {manifest} lists is there; the first "
      f"would be {all_rows[0].location} (paths are relative to the manifest's folder)"
    )


def _run(
  directory: str,
  settings: clip_examples.Settings,
  classes: Sequence[str],
  plan: Sequence[shards.Shard],
  operation: Operation,
) -> dict[str, Any]:
  """Writes the shards that are missing; returns the results by shard, not of all if it stopped."""
  from data_prep.job import pipeline

  most_failures = operation.max_failure_rate * sum(len(shard.rows) for shard in plan)
  kept = _results(directory, plan)
  if _counts(kept).failed > most_failures:  # That stopped the job before; try them again.
    shards.forget(directory, [name for name, result in kept.items() if result["failures"]])
    kept = _results(directory, plan)
  if kept:
    print(f"resuming: {len(kept)} of the {len(plan)} files are finished", flush=True)
  todo = [shard for shard in plan if shard.name not in kept]
  if not todo:
    return kept
  read = _counts_reader(directory, plan, kept)

  def watch() -> progress.Counts:
    counts = read()
    if counts.failed > most_failures:
      shards.stop(directory)
    return counts

  clip_count = sum(len(shard.rows) for shard in plan)
  interval = 10.0 if files.is_url(directory) else 0.5
  with progress.Reporter(watch, clip_count, begin=_counts(kept), interval=interval):
    pipeline.write_shards(
      directory, settings, classes, todo, operation.beam_arguments, **operation.isolation
    )
  return kept | _results(directory, todo)


def _counts_reader(
  directory: str, plan: Sequence[shards.Shard], kept: Mapping[str, Any]
) -> Callable[[], progress.Counts]:
  """Returns what tells the progress: as it happens where workers share a local folder, else by
  whole shards."""
  if not files.is_url(directory):
    begin, unfinished = _counts(kept), shards.unfinished_directory(directory)
    return lambda: progress.total([begin, progress.read(unfinished)])
  known = dict(kept)

  def read() -> progress.Counts:
    known.update(_results(directory, [shard for shard in plan if shard.name not in known]))
    return _counts(known)

  return read


def _counts(results: Mapping[str, Any]) -> progress.Counts:
  return progress.total(
    progress.Counts(done=result["clips"], failed=len(result["failures"]), frames=result["frames"])
    for result in results.values()
  )


def _results(directory: str, plan: Sequence[shards.Shard]) -> dict[str, Any]:
  """Returns, by name, the results of the finished shards of the plan."""
  there = shards.finished_names(directory)
  finished = [shard for shard in plan if shard.name in there]
  with concurrent.futures.ThreadPoolExecutor(16) as threads:  # A URL takes a while to answer.
    results = threads.map(functools.partial(shards.read_result, directory), finished)
    return {shard.name: result for shard, result in zip(finished, results, strict=True)}


def _failures(
  results: Mapping[str, Any], manifest: str, clip_count: int, max_failure_rate: float
) -> list[dict[str, str]]:
  """Returns the failures in order of their clip ids; raises UserError if there are too many."""
  failures = sorted(
    (failure for result in results.values() for failure in result["failures"]),
    key=lambda failure: failure["id"],
  )
  tried = len(failures) + sum(result["clips"] for result in results.values())
  if tried == len(failures):
    raise folder.Discard(
      f"no usable video: none of the {tried} clips of {manifest} that were tried could be used; "
      f"the first, {failures[0]['path']}: {failures[0]['error']}; nothing was written"
    )
  if len(failures) > max_failure_rate * clip_count or tried < clip_count:
    kinds = collections.Counter((failure["stage"], failure["error"]) for failure in failures)
    (stage, reason), count = kinds.most_common(1)[0]
    raise cli.UserError(
      f"{len(failures)} of the {tried} clips that were tried could not be used, more than "
      f"`max_failure_rate`={max_failure_rate:g} of all {clip_count}; {count} of them in stage "
      f"{stage}: {reason}; remove the cause, or raise `max_failure_rate`; the same command resumes"
    )
  return failures


def _splits(
  directory: str, plan: Sequence[shards.Shard], results: Mapping[str, Any]
) -> dict[str, metadata.SplitInfo]:
  """Adds up each split; the files of one without a usable clip, which are empty, are removed."""
  splits = {}
  for split in metadata.SPLITS:
    members = [(shard, results[shard.name]) for shard in plan if shard.split == split]
    clip_count = sum(result["clips"] for _, result in members)
    if not clip_count:
      files.remove([files.join(directory, shard.name) for shard, _ in members])
    splits[split] = metadata.SplitInfo(
      clips=clip_count,
      frames=sum(result["frames"] for _, result in members),
      shards=len(members) if clip_count else 0,
    )
  return splits


def _table(
  all_rows: Sequence[rows.Row], classes: Sequence[str], failures: Sequence[Mapping[str, str]]
) -> class_table.ClassTable:
  """Counts the clips that could be used."""
  failed = {failure["id"] for failure in failures}
  usable = ((row.labels, row.split) for row in all_rows if row.clip_id not in failed)
  return class_table.tabulate(usable, classes)


def _tell(lines: Iterable[str]) -> None:
  for line in lines:
    print(line, file=sys.stderr, flush=True)


def _notes(results: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
  """Returns the notes of the clips that have some, in order of their ids."""
  found = {
    clip_id: tuple(texts)
    for result in results.values()
    for clip_id, texts in result.get("notes", {}).items()
  }
  return dict(sorted(found.items()))


def _summary(info: metadata.DatasetInfo, directory: str, seconds: float) -> str:
  counts = ", ".join(f"{split.clips} {name}" for name, split in info.splits.items())
  frames = sum(split.frames for split in info.splits.values())
  text = f"prepared {directory}: {counts} clips, {frames} frames, in {progress.duration(seconds)}"
  if info.failures:
    text += (
      f"; {info.failures} clips could not be used: see "
      f"{files.join(directory, metadata.FAILURES_NAME)}"
    )
  if info.notes:
    kinds = collections.Counter(note for notes in info.notes.values() for note in set(notes))
    most = "; ".join(f"{count} x {note}" for note, count in kinds.most_common(3))
    text += (
      f"\nnote: something is odd about {len(info.notes)} clips, told one by one under "
      f"notes in {files.join(directory, metadata.FILE_NAME)}: {most}"
      f"{'; ...' if len(kinds) > 3 else ''}"
    )
  return text
