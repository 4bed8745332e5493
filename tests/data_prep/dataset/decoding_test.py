"""Decoding of good, odd and damaged files; time."""

from fractions import Fraction

import av
import numpy as np
import pytest

from data_prep.dataset import decoding
from data_prep.dataset import stored_images


def decode(path, start=None):
  """Returns (clock, [(seconds, frame), ...]) with the first clock that works."""
  for clock in decoding.CLOCKS:
    try:
      return clock, list(decoding.frames(str(path), clock=clock, start=start))
    except decoding.ClockError:
      continue
  raise AssertionError("the clock of indices never fails")


def grid(times, fps, **window):
  """Returns what of the frames shown at `times` (named by their number) falls on a grid."""
  timed = [(Fraction(str(seconds)), index) for index, seconds in enumerate(times)]
  return list(decoding.on_grid(timed, Fraction(fps), **window))


def test_the_grid_of_the_source_takes_every_frame():
  assert grid([0, 0.1, 0.2, 0.3], 10) == [0, 1, 2, 3]


def test_a_slower_grid_leaves_frames_out():
  assert grid([0, 0.1, 0.2, 0.3, 0.4], 5) == [0, 2, 4]


def test_a_faster_grid_repeats_frames():
  assert grid([0, 0.1, 0.2], 20) == [0, 0, 1, 1, 2]


def test_the_grid_takes_the_last_frame_that_has_begun():
  assert grid([0, 0.04, 0.09, 0.21, 0.3], 10) == [0, 2, 2, 4]


def test_timestamps_rounded_to_milliseconds_lose_no_frame():
  assert grid([0, 0.033, 0.067, 0.1, 0.133, 0.167, 0.2], 30) == [0, 1, 2, 3, 4, 5, 6]


def test_a_window_of_time():
  assert grid([k / 10 for k in range(20)], 10, start=0.5, end=0.9) == [5, 6, 7, 8]


def test_a_window_that_begins_before_the_first_frame_is_filled_with_it():
  assert grid([0.5, 0.6, 0.7], 10, start=0.4) == [0, 0, 1, 2]


def test_a_window_beyond_the_last_frame_is_empty():
  assert grid([0, 0.1], 10, start=1.0) == []


@pytest.mark.parametrize(
  "name, codec", [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mkv", "libx264")]
)
def test_every_frame_is_decoded_at_its_time(write_video, tmp_path, name, codec):
  clock, found = decode(write_video(tmp_path / name, count=9, codec=codec))
  assert clock == "pts"
  assert [round(float(seconds), 3) for seconds, _ in found] == [k / 10 for k in range(9)]


def test_the_picture_is_the_one_that_was_encoded(write_video, tmp_path, texture):
  _, found = decode(write_video(tmp_path / "a.mp4"))
  expected = np.roll(texture, 6, 1)[40:88, 40:104]
  assert np.abs(decoding.upright_rgb(found[3][1]).astype(int) - expected).mean() < 8


def test_xvid_with_b_frames_has_no_usable_presentation_times(shared_data):
  clock, found = decode(shared_data / "ut_interaction" / "set1" / "0_1_4.avi")
  assert clock == "dts"
  assert [seconds for seconds, _ in found] == [Fraction(k, 30) for k in range(108)]


def test_of_the_damaged_mp4_49_frames_are_decoded(shared_data):
  assert len(decode(shared_data / "decoder_cases" / "corrupted.mp4")[1]) == 49


@pytest.mark.parametrize("tag, quarter_turns", [(0, 0), (90, 3), (180, 2), (270, 1)])
def test_rotation_is_applied(shared_data, tag, quarter_turns):
  path = shared_data / "decoder_cases" / f"video_{tag}.mov"
  frame = decode(path)[1][0][1]
  stored = frame.to_ndarray(format="rgb24")
  assert stored.shape == (320, 568, 3)
  np.testing.assert_array_equal(decoding.upright_rgb(frame), np.rot90(stored, quarter_turns))


def test_packets_out_of_order(shared_data):
  assert len(decode(shared_data / "decoder_cases" / "unordered.mov")[1]) == 4


@pytest.mark.parametrize("name", ["ut_interaction/set1/0_1_4.avi", "decoder_cases/corrupted.mp4"])
def test_a_window_has_the_frames_that_it_has_in_the_whole(shared_data, name):
  def images(start, end):
    clock, timed = decode(shared_data / name, start)
    frames = decoding.on_grid(timed, Fraction(10), start=start, end=end)
    return [decoding.upright_rgb(frame) for frame in frames]

  np.testing.assert_array_equal(images(2.0, 3.0), images(None, None)[20:30])


def test_reading_begins_at_a_key_frame_near_the_start(write_video, tmp_path):
  path = write_video(tmp_path / "a.mp4", count=60)  # A key frame every 12.
  assert decode(path, start=5.0)[1][0][0] == Fraction(48, 10)


@pytest.mark.parametrize(
  "name, codec",
  [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.mkv", "libx264"), ("a.ts", "mpeg2video")],
)
def test_the_length_is_known_without_decoding(write_video, tmp_path, name, codec):
  path = write_video(tmp_path / name, count=30, fps=25, codec=codec)
  assert abs(decoding.length(str(path)) - 1.2) < 0.05


def test_the_length_of_a_truncated_file_is_that_of_what_is_there(write_video, tmp_path):
  content = write_video(tmp_path / "a.mkv", count=40).read_bytes()
  (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
  assert 1 < decoding.length(str(tmp_path / "cut.mkv")) < 3


def test_the_length_of_real_clips(shared_data):
  assert abs(decoding.length(str(shared_data / "ut_interaction/set1/0_1_4.avi")) - 3.6) < 0.15
  assert abs(decoding.length(str(shared_data / "decoder_cases/video_90.mov")) - 0.1) < 0.05


def test_timestamps_that_leap_are_not_believed(write_video, tmp_path):
  path = tmp_path / "leap.mkv"
  with av.open(str(write_video(tmp_path / "a.mp4"))) as source, av.open(str(path), "w") as target:
    stream = target.add_stream_from_template(source.streams.video[0])
    for index, packet in enumerate(source.demux(source.streams.video[0])):
      if packet.dts is not None:
        packet.stream = stream
        packet.pts = packet.dts = packet.dts + (index >= 4) * 10_000 * int(1 / packet.time_base)
        target.mux(packet)
  clock, found = decode(path)
  assert (clock, len(found), found[-1][0]) == ("index", 8, Fraction(7, 10))
  assert decoding.length(str(path)) < 20


def test_a_truncated_file_gives_the_frames_before_its_end(write_video, tmp_path):
  content = write_video(tmp_path / "a.mkv", count=40).read_bytes()
  (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
  assert 10 < len(decode(tmp_path / "cut.mkv")[1]) < 30


@pytest.mark.parametrize(
  "content, message",
  [
    (None, "No such file or directory"),
    (b"", "Invalid data found when processing input"),
    (b"plain text\n" * 100, "Invalid data found when processing input"),
  ],
)
def test_a_file_that_is_no_video_is_told_without_its_path(tmp_path, content, message):
  path = tmp_path / "a.mp4"
  if content is not None:
    path.write_bytes(content)
  with pytest.raises(decoding.DecodeError) as error:
    decode(path)
  assert str(error.value) == message


def test_sound_without_a_picture(tmp_path):
  path = tmp_path / "a.mp4"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("aac", rate=8000, layout="mono")
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
    frame.rate = 8000
    for packet in [*stream.encode(frame), *stream.encode()]:
      container.mux(packet)
  with pytest.raises(decoding.DecodeError, match="the file has no video stream"):
    decode(path)


@pytest.mark.parametrize(
  "size, expected", [((400, 296), (346, 256)), ((296, 400), (256, 346)), ((64, 64), (256, 256))]
)
def test_the_shorter_side_gets_its_size(size, expected):
  assert stored_images.short_side_size(*size, 256) == expected


def test_shrinking_averages():
  image = np.zeros((4, 4, 3), np.uint8)
  image[::2] = 200
  np.testing.assert_array_equal(stored_images.resized(image, 2, 2), np.full((2, 2, 3), 100))
