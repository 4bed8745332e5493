"""Measures what a clip costs to prepare, and multiplies it: how long would a large dataset take?

    python -m tools.benchmarks.preparation_at_scale --manifest=CSV --total_clips=650000 \
      --clip_seconds=10 --source=340x256@25 --fps=10 --short_side=128 --slots=100

It makes --clips files of --clip_seconds out of the first real videos of the manifest, played
forward and backward, as H.264 of the size and frame rate of --source (WIDTHxHEIGHT@FPS, crf 23).
Each is prepared by what a worker of the job calls, without flow and with it, on one core. All that
follows is these figures times --total_clips. Times are of the processor, so that other programs
matter little; on a busy machine they are longer, not shorter. Printed are

source     MB of such a video
reading    s of a core for a clip: decoding, shrinking, JPEG
flow       s of a core for a clip, and ms for a pair of frames: flow and its images
record     MB of a clip in the dataset, its flow's share in brackets
all        core-hours for --total_clips, TB read, TB written
shards     files of the train split, clips and GB in each, and hours of one core for a file: that is
           lost at most where a worker dies, and what the last workers are waited for
slots      hours on --slots cores (Flink's slots, say), if the longest queue is one file longer
           than the mean
Dataflow   vCPU-hours, GB-hours of memory and of disk. The cost is
             vCPU-hours * VCPU + GB-hours * MEMORY + GB-hours of disk * DISK
           with the prices of your region; the data is not shuffled, only the names of the clips
plan       s and MB that the driver needs to read a manifest of --total_clips and to plan the shards
"""

from collections.abc import Iterator, Sequence
import dataclasses
from fractions import Fraction
import os
import re
import resource
import tempfile
import time

from absl import flags
import av
import numpy as np

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import decoding
from data_prep.dataset import flow_methods
from data_prep.dataset import rows
from data_prep.job import shards

_MANIFEST = flags.DEFINE_string("manifest", None, "CSV that lists real videos.", required=True)
_CLIPS = flags.DEFINE_integer("clips", 4, "Clips to measure.", lower_bound=1)
_TOTAL = flags.DEFINE_integer("total_clips", 650_000, "Clips of the dataset.", lower_bound=1)
_SECONDS = flags.DEFINE_float("clip_seconds", 10.0, "Length of a clip.", lower_bound=0.2)
_SOURCE = flags.DEFINE_string("source", "340x256@25", "Videos: WIDTHxHEIGHT@FPS.")
_FPS = flags.DEFINE_float("fps", 10.0, "As in data_prep.extract.", lower_bound=0.1)
_SHORT_SIDE = flags.DEFINE_integer("short_side", 128, "As in data_prep.extract.", lower_bound=16)
_FLOW = flags.DEFINE_enum("flow", "tvl1", flow_methods.NAMES, "As in data_prep.extract.")
_SHARDS = flags.DEFINE_integer("num_shards", 0, "As in data_prep.extract.", lower_bound=0)
_SLOTS = flags.DEFINE_integer("slots", 100, "Cores that prepare clips.", lower_bound=1)
_MEMORY = flags.DEFINE_float("worker_gb", 3.75, "Memory of a Dataflow worker per vCPU, in GB.")
_DISK = flags.DEFINE_float("worker_disk_gb", 30.0, "Disk of a Dataflow worker per vCPU, in GB.")
_SCRATCH = flags.DEFINE_string("scratch_dir", None, "Folder for videos, which are deleted.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
  """What a clip costs: bytes, seconds of a core, frames."""

  source_bytes: float
  frames: float
  reading: float
  whole: float
  record_bytes: float
  frame_bytes: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
  """What a dataset of such clips costs."""

  core_hours: float
  read_tb: float
  written_tb: float
  files: int
  clips_in_file: float
  hours_of_file: float
  hours: float


def scaled(clip: Clip, total: int, slots: int, files: int) -> Scale:
  """Returns what `total` clips like this one cost on so many cores, in so many files."""
  core_hours = clip.whole * total / 3600
  return Scale(
    core_hours=core_hours,
    read_tb=clip.source_bytes * total / 1e12,
    written_tb=clip.record_bytes * total / 1e12,
    files=files,
    clips_in_file=total / files,
    hours_of_file=core_hours / files,
    hours=core_hours / slots + core_hours / files,
  )


def source(text: str) -> tuple[int, int, Fraction]:
  """Returns width, height and frames per second; UserError unless they are WIDTHxHEIGHT@FPS."""
  found = re.fullmatch(r"(\d+)x(\d+)@(\d+(?:\.\d+)?)", text)
  if found is None or int(found[1]) % 2 or int(found[2]) % 2 or not float(found[3]):
    raise cli.UserError(f"--source={text} is not WIDTHxHEIGHT@FPS with even sizes; give 340x256@25")
  return int(found[1]), int(found[2]), Fraction(found[3])


def measure(videos: Sequence[rows.Row]) -> Clip:
  """Returns the mean cost of clips, each prepared with flow and without."""
  clips = []
  for row in videos:
    plain, frames, reading = _prepared(row, flow_methods.NONE)
    whole, _, seconds = _prepared(row, _FLOW.value)
    clips.append((os.path.getsize(row.location), frames, reading, seconds, len(whole), len(plain)))
  names = [field.name for field in dataclasses.fields(Clip)]
  return Clip(**dict(zip(names, map(float, np.mean(clips, axis=0)), strict=True)))


def _prepared(row: rows.Row, flow: str) -> tuple[bytes, int, float]:
  """Returns the record of a clip, its frames, and seconds of a core."""
  settings = clip_examples.Settings(fps=_FPS.value, short_side=_SHORT_SIDE.value, flow=flow)
  maker = clip_examples.ClipMaker(settings, row.labels)
  began = time.process_time()
  record, frames = maker.make(row)
  return record, frames, time.process_time() - began


def _videos(chosen: Sequence[rows.Row], folder: str) -> Iterator[rows.Row]:
  width, height, rate = source(_SOURCE.value)
  for index, row in enumerate(chosen):
    path = os.path.join(folder, f"{index}.mp4")
    frames = [frame for _, frame in decoding.frames(row.location, clock="index")]
    there_and_back = [*frames, *frames[-2:0:-1]]
    with av.open(path, "w") as container:
      stream = container.add_stream("libx264", rate=rate, options={"crf": "23"})
      stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
      stream.codec_context.time_base = 1 / rate
      for number in range(round(_SECONDS.value * rate)):
        frame = there_and_back[number % len(there_and_back)].reformat(width, height, "yuv420p")
        frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))
      container.mux(stream.encode())
    yield dataclasses.replace(row, path=path, location=path, start=None, end=None)


def _plan(total: int, folder: str) -> tuple[float, float]:
  """Returns seconds and MB that reading a manifest of that many clips and planning it takes."""
  path = os.path.join(folder, "manifest.csv")
  with open(path, "wb") as file:
    file.write(
      rows.to_csv(
        [f"{number:07d}.mp4" for number in range(total)],
        [f"class {number % 700}" for number in range(total)],
        ["train"] * total,
      )
    )
  before, began = _resident(), time.process_time()
  shards.assign(rows.read(path), _SHARDS.value)
  return time.process_time() - began, _resident() - before


def _resident() -> float:
  """Returns the largest size of this process so far, in MB."""
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: Sequence[str]) -> None:
  del arguments
  source(_SOURCE.value)
  chosen = rows.read(cli.resolve_path(_MANIFEST.value))[: _CLIPS.value]
  total = _TOTAL.value
  with tempfile.TemporaryDirectory(dir=_SCRATCH.value) as folder:
    clip = measure(list(_videos(chosen, folder)))
    empty = [
      rows.Row(path="", location="", clip_id=f"{number}", labels=(), split="train")
      for number in range(total)
    ]
    scale = scaled(clip, total, _SLOTS.value, len(shards.assign(empty, _SHARDS.value)))
    _print(clip, scale)
    seconds, megabytes = _plan(total, folder)
  print(f"plan       {seconds:.1f} s, {megabytes:.0f} MB of the driver")


def _print(clip: Clip, scale: Scale) -> None:
  flow = clip.whole - clip.reading
  pairs = max(clip.frames - 1, 1)
  share = 1 - clip.frame_bytes / clip.record_bytes
  print(f"source     {clip.source_bytes / 1e6:.2f} MB")
  print(f"reading    {clip.reading:.2f} s for {clip.frames:.0f} frames")
  print(f"flow       {flow:.2f} s, {1e3 * flow / pairs:.1f} ms for a pair")
  print(f"record     {clip.record_bytes / 1e6:.2f} MB ({share:.0%} flow)")
  print(
    f"all        {scale.core_hours:,.0f} core-hours, {scale.read_tb:.2f} TB read, "
    f"{scale.written_tb:.2f} TB written"
  )
  print(
    f"shards     {scale.files:,} of {scale.clips_in_file:.0f} clips, "
    f"{1e3 * scale.written_tb / scale.files:.2f} GB, {scale.hours_of_file:.2f} h of a core each"
  )
  print(f"slots      {scale.hours:,.1f} h on {_SLOTS.value:,} cores")
  print(
    f"Dataflow   {scale.core_hours:,.0f} vCPU-hours, "
    f"{scale.core_hours * _MEMORY.value:,.0f} GB-hours of memory, "
    f"{scale.core_hours * _DISK.value:,.0f} GB-hours of disk"
  )


if __name__ == "__main__":
  cli.run(main)
