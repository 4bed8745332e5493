"""Decoded frames become the pictures that a player shows."""

from fractions import Fraction
import pathlib
import struct

import av
import cv2
import numpy as np
import pytest

from data_prep.dataset import decoding
from data_prep.dataset import pictures


def picture() -> np.ndarray:
  """Returns an image whose eight orientations differ, uint8 [48, 64, 3]."""
  image = np.full((48, 64, 3), 40, np.uint8)
  image[:16, :16], image[:16, -16:], image[-16:, :16] = 250, 170, 100
  return image


def write(
  path: pathlib.Path,
  image: np.ndarray,
  *,
  matrix: tuple[float, ...] | None = None,
  pixels: Fraction | None = None,
  options: dict[str, str] | None = None,
) -> pathlib.Path:
  """Writes a video of 3 equal frames."""
  with av.open(str(path), "w") as container:
    stream = container.add_stream("libx264", rate=25, options={"crf": "1"} | (options or {}))
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = "yuv420p"
    if matrix:
      a, b, c, d = (int(value * 65536) for value in matrix)
      stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    if pixels:
      stream.codec_context.sample_aspect_ratio = pixels
    for _ in range(3):
      container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
    container.mux(stream.encode())
  return path


def first(path: pathlib.Path) -> av.VideoFrame:
  """Returns the first frame."""
  return next(decoding.frames(str(path), clock="pts"))[1]


# x' = a x + c y, y' = b x + d y
ORIENTATIONS = {
  (1, 0, 0, 1): lambda image: image,
  (-1, 0, 0, 1): lambda image: image[:, ::-1],
  (1, 0, 0, -1): lambda image: image[::-1],
  (-1, 0, 0, -1): lambda image: image[::-1, ::-1],
  (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
  (0, 1, -1, 0): lambda image: np.rot90(image, -1),
  (0, -1, 1, 0): lambda image: np.rot90(image, 1),
  (0, -1, -1, 0): lambda image: image.transpose(1, 0, 2)[::-1, ::-1],
}


@pytest.mark.parametrize("matrix", ORIENTATIONS, ids=str)
def test_all_eight_orientations_of_a_display_matrix(tmp_path, matrix):
  frame = first(write(tmp_path / "a.mp4", picture(), matrix=matrix))
  expected = ORIENTATIONS[matrix](picture())
  image = pictures.rgb(frame)
  assert image.shape == expected.shape and pictures.shown_size(frame) == expected.shape[1::-1]
  assert np.abs(image.astype(int) - expected).mean() < 4
  assert not list(pictures.notes(frame))


def test_a_mirrored_video_is_mirrored(shared_data):
  folder = shared_data / "reported_cases"
  mirrored, plain = (pictures.rgb(first(folder / name)) for name in ("mirror.mp4", "long.mp4"))
  np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_a_slanted_picture_is_told_and_the_nearest_right_angle_taken(tmp_path):
  frame = first(write(tmp_path / "a.mp4", picture(), matrix=(0.26, 0.96, -0.96, 0.26)))
  assert np.abs(pictures.rgb(frame).astype(int) - np.rot90(picture(), -1)).mean() < 4
  assert list(pictures.notes(frame)) == [
    "turned by an angle that is no multiple of 90 degrees, of which the nearest is used"
  ]


def test_pixels_become_square(shared_data):
  frame = first(shared_data / "reported_cases" / "sar.mp4")
  assert (frame.width, frame.height) == (160, 120)
  assert pictures.rgb(frame).shape == (120, 320, 3)


@pytest.mark.parametrize(
  "pixels, shape",
  [
    (Fraction(1, 2), (96, 64)),
    (Fraction(4, 3), (48, 85)),
    (Fraction(100, 101), (48, 64)),
    (Fraction(40, 1), (48, 64)),
  ],
)
def test_the_shape_of_pixels(tmp_path, pixels, shape):
  assert pictures.rgb(first(write(tmp_path / "a.mkv", picture(), pixels=pixels))).shape[:2] == shape


def test_a_turned_picture_is_stretched_along_its_stored_sides(tmp_path):
  path = write(tmp_path / "a.mp4", picture(), matrix=(0, 1, -1, 0), pixels=Fraction(2))
  assert pictures.rgb(first(path)).shape == (128, 48, 3)


def test_a_shape_of_pixels_that_is_nonsense_is_told(tmp_path):
  frame = first(write(tmp_path / "a.mkv", picture(), pixels=Fraction(40)))
  assert list(pictures.notes(frame)) == ["pixels of 40:1 are not believed and taken as square"]


def test_of_interlaced_frames_one_field_is_left(tmp_path):
  image = np.full((64, 64, 3), 60, np.uint8)
  image[1::2] = 190  # The other moment.
  frame = first(write(tmp_path / "a.mkv", image, options={"x264-params": "tff=1"}))
  shown = pictures.rgb(frame)
  assert shown.shape == (64, 64, 3) and np.abs(shown.astype(int) - 60).max() < 8
  assert list(pictures.notes(frame)) == [
    "interlaced frames: one field of each is used, its lines doubled"
  ]


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_jpeg_is_turned_as_its_exif_orientation_says(tmp_path, tag):
  data = cv2.imencode(".jpg", picture())[1].tobytes()
  exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, tag, 0, 0)
  data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
  (tmp_path / "a.jpg").write_bytes(data)
  expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
  image = pictures.rgb(first(tmp_path / "a.jpg"))
  assert image.shape == expected.shape and np.abs(image.astype(int) - expected).mean() < 4
