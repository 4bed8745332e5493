"""A cut has the frames that the whole video has at that time, whatever the container."""

from collections.abc import Callable
from fractions import Fraction
import pathlib

import av
import cv2
import numpy as np
import pytest

from data_prep.dataset import clocks
from data_prep.dataset import decoding

FPS = 25


def numbered(index: int, width: int = 160, height: int = 128) -> np.ndarray:
  """Returns a picture whose upper half is its number in binary: bars, the lowest bit first."""
  image = np.full((height, width, 3), 90, np.uint8)
  for bit in range(10):
    image[: height // 2, bit * width // 10 : (bit + 1) * width // 10] = 255 * (index >> bit & 1)
  return image


def number(frame: av.VideoFrame) -> int:
  """Inverse of `numbered`."""
  image = decoding.upright_rgb(frame)
  grey = cv2.resize(image[: image.shape[0] // 2], (10, 1), interpolation=cv2.INTER_AREA).mean(-1)[0]
  return sum(int(value > 128) << bit for bit, value in enumerate(grey))


@pytest.fixture(scope="module")
def write(tmp_path_factory) -> Callable[..., pathlib.Path]:
  """Writes a video of numbered frames, and sound if a codec for it is given."""
  folder = tmp_path_factory.mktemp("containers")

  def write_file(
    name: str,
    codec: str,
    *,
    muxer: str | None = None,
    count: int = 75,
    gop: int = 12,
    b_frames: int = 0,
    sound: str | None = None,
    delay: float = 0,
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    times: Callable[[int], Fraction] = lambda k: Fraction(k, FPS),
  ) -> pathlib.Path:
    path = folder / name
    with av.open(str(path), "w", format=muxer, container_options=muxing or {}) as container:
      stream = container.add_stream(codec, rate=FPS, options=options or {})
      stream.width, stream.height = (176, 144) if codec == "h263" else (160, 128)
      stream.pix_fmt = {
        "mjpeg": "yuvj420p",
        "gif": "rgb8",
        "huffyuv": "yuv422p",
        "qtrle": "rgb24",
      }.get(codec, "yuv420p")
      context = stream.codec_context
      context.thread_count, context.gop_size = 1, gop
      context.time_base = Fraction(1, 1000)
      if "mpeg" in codec or codec in ("rv10", "flv"):
        context.time_base = Fraction(1, FPS)
      if not codec.startswith("libvpx"):
        context.qmax = 4
      if b_frames:
        context.max_b_frames = b_frames
      voice = container.add_stream(sound, rate=48000, layout="stereo") if sound else None
      spoken = 0
      for index in range(count):
        picture = av.VideoFrame.from_ndarray(numbered(index, stream.width, stream.height), "rgb24")
        picture.pts = round((times(index) + Fraction(delay)) / context.time_base)
        picture.time_base = context.time_base
        container.mux(stream.encode(picture.reformat(format=stream.pix_fmt)))
        while voice and spoken < times(index) * 48000:
          container.mux(voice.encode(silence(voice.codec_context, spoken)))
          spoken += voice.codec_context.frame_size or 1024
      container.mux(stream.encode())
      if voice:
        container.mux(voice.encode())
    return path

  return write_file


def silence(context: av.AudioCodecContext, begin: int) -> av.AudioFrame:
  """Returns a frame of silence, as long as the codec wants it."""
  kind = {"s16": np.int16, "s16p": np.int16}.get(context.format.name, np.float32)
  samples = context.frame_size or 1024
  shape = (2, samples) if context.format.is_planar else (1, 2 * samples)
  frame = av.AudioFrame.from_ndarray(np.zeros(shape, kind), context.format.name, "stereo")
  frame.rate, frame.pts, frame.time_base = 48000, begin, Fraction(1, 48000)
  return frame


def timed(
  path: pathlib.Path, start: float | None = None, end: float | None = None
) -> list[tuple[Fraction, av.VideoFrame]]:
  """Returns (seconds, frame) with the first clock that works, at least up to `end`."""
  for clock in decoding.CLOCKS:
    found = []
    try:
      for seconds, frame in decoding.frames(str(path), clock=clock, start=start):
        found.append((seconds, frame))
        if end is not None and seconds >= end:
          break
      return found
    except decoding.ClockError:
      continue
  raise AssertionError("the clock of indices never fails")


def cut(frames: list[tuple[Fraction, av.VideoFrame]], start: float, end: float) -> list[bytes]:
  """Returns the pixels of the frames of a cut."""
  return [
    decoding.upright_rgb(frame).tobytes()
    for frame in decoding.on_grid(frames, Fraction(FPS), start=start, end=end)
  ]


def assert_cuts_are_parts_of_the_whole(path: pathlib.Path) -> None:
  whole = timed(path)
  first, last = float(whole[0][0]), float(whole[-1][0])
  starts = [round(first + share * (last - first), 3) for share in (0.02, 0.47, 0.655, 0.86, 0.99)]
  for start in starts:
    end = round(start + 0.2, 3)
    assert cut(timed(path, start, end), start, end) == cut(whole, start, end), start


SCENES = {"options": {"sc_threshold": "0"}}
OPEN = {"b_frames": 2, "options": {"x264-params": "open-gop=1:scenecut=0"}}
CONTAINERS = [
  *(
    (f"{kind}.{name}", "libx264", {"muxer": muxer, "sound": sound, **more})
    for name, muxer, sound in (
      ("mp4", "mp4", "aac"),
      ("mov", "mov", "aac"),
      ("mkv", "matroska", "aac"),
      ("ts", "mpegts", "aac"),
      ("flv", "flv", "aac"),
      ("3gp", "3gp", None),
      ("avi", "avi", "mp2"),
      ("nut", "nut", "mp2"),
      ("asf", "asf", "mp2"),
      ("mxf", "mxf", None),
      ("wtv", "wtv", "mp2"),
      ("h264", "h264", None),
    )
    for kind, more in (("plain", {}), ("open", OPEN))
  ),
  *(
    (f"{kind}.{name}", "mpeg2video", {"muxer": muxer, "sound": sound, **more})
    for name, muxer, sound in (
      ("mpg", "mpeg", "mp2"),
      ("vob", "vob", "ac3"),
      ("dvd.mpg", "dvd", "ac3"),
      ("2.ts", "mpegts", "mp2"),
      ("m2v", "mpeg2video", None),
      ("2.mxf", "mxf", None),
    )
    for kind, more in (("plain", SCENES), ("b", {"b_frames": 2, **SCENES}))
  ),
  ("b.m2ts", "libx264", {"muxer": "mpegts", "muxing": {"mpegts_m2ts_mode": "1"}, **OPEN}),
  *(
    (f"b.4.{name}", "mpeg4", {"b_frames": 2, "sound": sound})
    for name, sound in (("avi", "mp2"), ("mp4", "aac"), ("mkv", None), ("ts", "mp2"), ("m4v", None))
  ),
  *(
    (f"frag{index}.mp4", "libx264", {"b_frames": 3, "muxing": {"movflags": flags}})
    for index, flags in enumerate(
      (
        "frag_keyframe+empty_moov",
        "frag_every_frame",
        "dash",
        "frag_keyframe+delay_moov",
        "negative_cts_offsets",
      )
    )
  ),
  ("refresh.ts", "libx264", {"options": {"intra-refresh": "1"}, "gop": 15}),
  ("refresh.mkv", "libx264", {"options": {"intra-refresh": "1"}, "gop": 15}),
  ("vp8.webm", "libvpx", {}),
  ("vp9.webm", "libvpx-vp9", {"options": {"cpu-used": "8"}}),
  ("vp8.ogv", "libvpx", {"muxer": "ogg"}),
  ("a.ivf", "libvpx", {}),
  ("a.swf", "flv", {}),
  ("a.flv", "flv", {}),
  ("a.wmv", "wmv2", {}),
  ("a.rm", "rv10", {}),
  ("h263.3gp", "h263", {}),
  ("a.gif", "gif", {}),
  ("m.avi", "mjpeg", {}),
  ("a.mjpeg", "mjpeg", {}),
  ("ffv1.mkv", "ffv1", {}),
  ("h.avi", "huffyuv", {}),
  ("q.mov", "qtrle", {}),
  ("offset.mp4", "libx264", {"delay": 5.5, "b_frames": 2}),
  ("offset.ts", "libx264", {"delay": 5.5, "b_frames": 2}),
  ("offset.avi", "mpeg4", {"delay": 5.0, "b_frames": 2}),
  ("wrapping.ts", "libx264", {"delay": 95441.0, "b_frames": 2}),
  ("late.mp4", "libx264", {"delay": 1.5, "sound": "aac"}),
  ("late.ts", "libx264", {"delay": 1.5, "sound": "aac"}),
  ("late.mpg", "mpeg2video", {"delay": 2.0, "sound": "mp2"}),
  ("late.asf", "libx264", {"delay": 1.5, "sound": "mp2", "b_frames": 2}),
  *(
    (
      f"varying.{name}",
      "libx264",
      {"b_frames": 2, "times": lambda k: Fraction(k * 40 + k % 5 * 7 + k // 30 * 333, 1000)},
    )
    for name in ("mp4", "mkv", "ts", "flv")
  ),
]


@pytest.mark.parametrize("name, codec, settings", CONTAINERS, ids=[case[0] for case in CONTAINERS])
def test_a_cut_is_a_part_of_the_whole(write, name, codec, settings):
  assert_cuts_are_parts_of_the_whole(write(name, codec, **settings))


@pytest.mark.parametrize(
  "start, end, numbers",
  [
    (2.02, 2.62, range(50, 65)),
    (3.98, 4.1, range(99, 102)),
    (9.8, 10.0, range(245, 250)),
    (0.5, 0.6, range(12, 15)),
  ],
)
@pytest.mark.parametrize("name", ["long.mp4", "long.ts", "frag.mp4"])
def test_reported_cuts_begin_with_the_frame_that_is_shown_at_their_start(
  shared_data, name, start, end, numbers
):
  path = shared_data / "reported_cases" / name
  frames = decoding.on_grid(timed(path, start, end), Fraction(FPS), start=start, end=end)
  assert [number(frame) for frame in frames] == list(numbers)


def test_a_cut_far_into_a_file_reads_little_of_it(write, monkeypatch):
  path = write("sought.ts", "libx264", count=300, b_frames=2)
  decoded = []
  monkeypatch.setattr(decoding.VideoFile, "decoded", counting(decoding.VideoFile.decoded, decoded))
  assert number(timed(path, 11.5, 11.6)[-1][1]) >= 287
  assert len(decoded) < 100


def counting(function: Callable, calls: list) -> Callable:
  """Returns a generator function that notes what it yields."""

  def counted(*arguments):
    for found in function(*arguments):
      calls.append(1)
      yield found

  return counted


def test_what_a_player_shows_at_a_time_counts_from_the_beginning_of_the_file(shared_data):
  path = shared_data / "reported_cases" / "delayed.mp4"
  notes = []
  whole = list(decoding.frames(str(path), clock="pts", on_note=notes.append))
  assert [float(seconds) for seconds, _ in whole[:2]] == [2.0, 2.04]
  assert notes == ["the first frame comes 2 s after the beginning of the file"]
  assert [
    number(frame)
    for frame in decoding.on_grid(timed(path, 2.4, 2.5), Fraction(FPS), start=2.4, end=2.5)
  ] == [10, 11, 12]
  assert number(next(decoding.on_grid(whole, Fraction(FPS)))) == 0
  assert decoding.length(str(path)) == 4.0


def test_nothing_is_shown_before_the_first_frame(shared_data):
  path = shared_data / "reported_cases" / "delayed.mp4"
  assert not list(decoding.on_grid(timed(path, 1.0), Fraction(FPS), start=1.0, end=1.5))


def test_a_sound_track_that_begins_a_moment_earlier_shifts_nothing(write):
  whole = timed(write("moment.ts", "libx264", count=30, sound="aac", delay=0.04))
  assert whole[0][0] == 0


def test_a_pause_of_90_s_is_kept_and_told(shared_data):
  path = str(shared_data / "reported_cases" / "pause90.mkv")
  notes = []
  whole = list(decoding.frames(path, clock="pts", on_note=notes.append))
  assert 91 < whole[-1][0] < 92
  assert notes == [
    "no new frame for 90.04 s from second 0.96 on; the one before stands for that time"
  ]
  assert decoding.length(path) == 92.0


def test_timestamps_that_are_not_used_are_told(write):
  notes = []
  path = str(write("raw.h264", "libx264", muxer="h264", count=20))
  list(decoding.frames(path, clock="index", on_note=notes.append))
  assert notes == ["no usable timestamps: frames are counted, at 25 a second"]


def test_a_stream_whose_time_begins_anew_is_counted_whole_and_cut(shared_data):
  path = shared_data / "reported_cases" / "sizechange.ts"
  whole = timed(path)
  assert [seconds for seconds, _ in whole] == [Fraction(k, FPS) for k in range(50)]
  assert cut(timed(path, 1.2, 1.4), 1.2, 1.4) == cut(whole, 1.2, 1.4)


@pytest.mark.parametrize("stated, kept", [(100, True), (10, False)])
def test_a_long_pause_is_kept_within_the_length_that_the_file_states(stated, kept):
  assert (clocks.longest_step(Fraction(95), Fraction(stated)) >= 90) == kept
