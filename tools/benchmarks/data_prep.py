"""Measures what preparing videos costs besides the optical flow, and how it scales.

    python -m tools.benchmarks.data_prep --manifest=CSV --scratch_dir=DIR

Four figures, of the first --clips clips of a manifest:

memory              peak of a worker that cuts the last 10 s out of an hour at 1920x1080; the hour
                    is a short clip, written again and again
profiles            time of opencv_default over fast, pair by pair in turn
job over flow       the whole job with one worker, from the command line to the finished folder,
                    over a bare loop of TV-L1 over the same frames in one process
two over one        speed of the job with two workers over one

Seconds are of the wall clock, with those of the CPU in brackets: on a machine that others use, the
ratio of the latter says more. docs/performance.md has a table.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
import os
import resource
import shutil
import subprocess
import sys
import time

from absl import flags
import av
import cv2
import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import rows
from data_prep.dataset import stored_images
from data_prep.dataset import tvl1

_MANIFEST = flags.DEFINE_string("manifest", None, "CSV that lists real clips.", required=True)
_SCRATCH_DIR = flags.DEFINE_string(
  "scratch_dir", None, "Folder to work in, which is created and removed.", required=True
)
_CLIPS = flags.DEFINE_integer("clips", 60, "Clips to use.", lower_bound=1)
_FPS = flags.DEFINE_float("fps", 10.0, "Frames per second.")
_SHORT_SIDE = flags.DEFINE_integer("short_side", 128, "Pixels of the shorter side.")
_PAIRS = 12
_HOUR = 3600


def main(arguments: Sequence[str]) -> None:
  """Prints the four figures."""
  del arguments
  chosen = rows.read(cli.resolve_path(_MANIFEST.value))[: _CLIPS.value]
  scratch = cli.resolve_path(_SCRATCH_DIR.value)
  os.makedirs(scratch)
  try:
    manifest = _write_manifest(chosen, os.path.join(scratch, "manifest.csv"))
    hour = _hour_of_video(chosen[0], os.path.join(scratch, "hour.mp4"))
    seconds, megabytes = _peak_of_a_worker(hour, scratch)
    print(
      f"memory          {megabytes:.0f} MB, in {seconds:.0f} s, of a file of "
      f"{os.path.getsize(hour) / 1e6:.0f} MB",
      flush=True,
    )
    greys = [list(_grey_frames(row)) for row in chosen]
    pairs = [pair for frames in greys for pair in zip(frames, frames[1:])]
    print(f"{len(chosen)} clips, {len(pairs)} pairs of frames, shorter side {_SHORT_SIDE.value}")
    print(f"profiles        {_profiles(pairs[:: max(len(pairs) // _PAIRS, 1)]):.2f}", flush=True)
    one, bare = _job(manifest, scratch, 1), _bare_loop(pairs)
    print(f"one worker      {one[0]:.1f} s ({one[1]:.1f} s)")
    print(f"TV-L1 alone     {bare[0]:.1f} s ({bare[1]:.1f} s)")
    print(f"job over flow   {one[0] / bare[0]:.3f} ({one[1] / bare[1]:.3f})", flush=True)
    two = _job(manifest, scratch, 2)
    print(f"two workers     {two[0]:.1f} s ({two[1]:.1f} s)")
    print(f"two over one    {one[0] / two[0]:.3f}", flush=True)
  finally:
    shutil.rmtree(scratch)


def _write_manifest(chosen: Sequence[rows.Row], path: str) -> str:
  content = rows.to_csv(
    [row.location for row in chosen], [row.labels[0] for row in chosen], ["train"] * len(chosen)
  )
  with open(path, "wb") as file:
    file.write(content)
  return path


def _grey_frames(row: rows.Row) -> Iterator[np.ndarray]:
  """Yields the frames that the job computes flow between."""
  for clock in decoding.CLOCKS:
    try:
      timed = list(decoding.frames(row.location, clock=clock))
      break
    except decoding.ClockError:
      continue
  for frame in decoding.on_grid(timed, decoding.exact(_FPS.value)):
    rgb = decoding.upright_rgb(frame)
    size = stored_images.short_side_size(rgb.shape[1], rgb.shape[0], _SHORT_SIDE.value)
    yield cv2.cvtColor(stored_images.resized(rgb, *size), cv2.COLOR_RGB2GRAY)


def _bare_loop(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
  """Returns seconds of the wall clock and of the CPU."""
  cv2.setNumThreads(1)
  compute = tvl1.FlowComputer(tvl1.FAST)
  wall, cpu = time.perf_counter(), time.process_time()
  for first, second in pairs:
    compute(first, second)
  return time.perf_counter() - wall, time.process_time() - cpu


def _job(manifest: str, scratch: str, workers: int) -> tuple[float, float]:
  """Returns seconds of the wall clock and of the CPU, of all its processes."""
  output = os.path.join(scratch, "data")
  wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
  _extract(
    [
      "--manifest=" + manifest,
      "--output_dir=" + output,
      f"--direct_num_workers={workers}",
      f"--fps={_FPS.value}",
      f"--short_side={_SHORT_SIDE.value}",
    ]
  )
  wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
  shutil.rmtree(output)
  return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _extract(arguments: Sequence[str]) -> None:
  subprocess.run(
    [sys.executable, "-m", "data_prep.extract", *arguments], check=True, capture_output=True
  )


def _profiles(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
  """Returns the time of opencv_default over that of fast."""
  seconds = dict.fromkeys(tvl1.PROFILES, 0.0)
  computers = {name: tvl1.FlowComputer(name) for name in tvl1.PROFILES}
  for first, second in pairs:
    for name, compute in computers.items():
      began = time.process_time()
      compute(first, second)
      seconds[name] += time.process_time() - began
  return seconds[tvl1.OPENCV_DEFAULT] / seconds[tvl1.FAST]


def _hour_of_video(row: rows.Row, path: str) -> str:
  """Writes a clip as 1920x1080 H.264, and its packets again until an hour is full."""
  short = path + ".short.mp4"
  frames = [frame for _, frame in decoding.frames(row.location, clock="index")]
  with av.open(short, "w") as container:
    stream = container.add_stream("libx264", rate=25, options={"crf": "30", "preset": "veryfast"})
    stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 25)
    for index, frame in enumerate(frames):
      large = frame.reformat(1920, 1080, "yuv420p")
      large.pts, large.time_base = index, Fraction(1, 25)
      container.mux(stream.encode(large))
    container.mux(stream.encode())
  with av.open(short) as source:
    stream = source.streams.video[0]
    packets = [
      (bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
      for packet in source.demux(stream)
      if packet.size
    ]
    ticks = int(Fraction(len(packets), 25) / stream.time_base)
    with av.open(path, "w") as target:
      copy = target.add_stream_from_template(stream)
      for turn in range(-(-_HOUR * 25 // len(packets))):
        for data, pts, dts, is_keyframe in packets:
          packet = av.Packet(data)
          packet.stream, packet.time_base, packet.is_keyframe = copy, stream.time_base, is_keyframe
          packet.pts, packet.dts = pts + turn * ticks, dts + turn * ticks
          target.mux(packet)
  return path


def _peak_of_a_worker(video: str, scratch: str) -> tuple[float, float]:
  """Returns seconds, and MB of the process that does all the work."""
  manifest = os.path.join(scratch, "hour.csv")
  with open(manifest, "w") as file:
    file.write(f"path,label,split,start,end\n{video},hour,train,{_HOUR - 10},{_HOUR}\n")
  began = time.perf_counter()
  process = subprocess.Popen(
    [
      sys.executable,
      "-m",
      "data_prep.extract",
      f"--manifest={manifest}",
      f"--output_dir={os.path.join(scratch, 'hour')}",
      "--direct_num_workers=1",
      "--noisolate_decoding",
      f"--short_side={_SHORT_SIDE.value}",
    ],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  _, status, usage = os.wait4(process.pid, 0)
  process.returncode = os.waitstatus_to_exitcode(status)
  if process.returncode:
    raise RuntimeError(f"the preparation ended with status {process.returncode}")
  return time.perf_counter() - began, usage.ru_maxrss / 1e3


if __name__ == "__main__":
  cli.run(main)
