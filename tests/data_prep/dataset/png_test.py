"""PNG images, decoded without OpenCV's decoder: its bits, or nothing."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from data_prep.dataset import metadata
from data_prep.dataset import png
from data_prep.dataset import records
from data_prep.dataset.stream_kinds import flow as flow_kind


def _encoded(image: np.ndarray, *parameters: int) -> bytes:
  return cv2.imencode(".png", image, list(parameters))[1].tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
  return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _noise(*shape: int, dtype=np.uint8) -> np.ndarray:
  return np.random.default_rng(len(shape)).integers(0, 256, shape, dtype)


@pytest.mark.parametrize("shape", [(1, 50, 3), (50, 2, 3), (37, 61, 3), (300, 400, 3)])
@pytest.mark.parametrize("make", ["noise", "smooth", "white"])
def test_images_are_those_that_opencv_decodes(shape, make):
  image = {
    "noise": lambda: _noise(*shape),
    "smooth": lambda: cv2.GaussianBlur(_noise(*shape), (0, 0), 2),
    "white": lambda: np.full(shape, 255, np.uint8),
  }[make]()
  decoded = png.decode(_encoded(image[..., ::-1]))
  assert decoded.dtype == np.uint8
  np.testing.assert_array_equal(decoded, image)


def test_what_preparation_writes_is_decoded_here(sample_dataset):
  with open(metadata.shard_paths(sample_dataset, "train")[0], "rb") as file:
    lists = records.parse(next(records.read_records(file)))[1]
  images = [data for (data,) in lists["FORWARD_FLOW/image/encoded"]]
  assert images
  for data in images:
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(png.decode(data), expected)


@pytest.mark.parametrize(
  "data",
  [
    b"",
    cv2.imencode(".jpg", _noise(8, 8, 3))[1].tobytes(),
    _encoded(_noise(8, 8)),
    _encoded(_noise(8, 8, 4)),
    _encoded(_noise(8, 8, 3, dtype=np.uint16)),
    _encoded(_noise(8, 8, 3), cv2.IMWRITE_PNG_COMPRESSION, 6),
    _encoded(_noise(8, 1, 3)),
  ],
  ids=["empty", "jpeg", "grey", "alpha", "16 bits", "other filters", "no filter"],
)
def test_other_images_are_left_to_opencv(data):
  assert png.decode(data) is None


def test_chunks_that_may_change_the_image_are_left_to_opencv():
  data = _encoded(_noise(8, 8, 3))
  turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
  assert png.decode(data) is not None
  assert png.decode(data[:33] + _chunk(b"eXIf", turned) + data[33:]) is None


def test_a_damaged_image_is_never_another_one():
  image = flow_kind.to_levels(np.random.default_rng(0).normal(0, 3, (20, 30, 2)), 20.0)
  data = _encoded(image)
  expected = png.decode(data)
  assert all(png.decode(data[:length]) is None for length in range(len(data) - 12))
  for at in range(len(data)):
    damaged = bytearray(data)
    damaged[at] ^= 1 << at % 8
    decoded = png.decode(bytes(damaged))
    assert decoded is None or np.array_equal(decoded, expected)


def test_a_size_that_is_not_that_of_the_values_is_refused():
  data = bytearray(_encoded(_noise(8, 8, 3)))
  for size in ((8, 9), (0, 8), (2**31 - 1, 2**31 - 1)):
    data[16:24] = struct.pack(">II", *size)
    assert png.decode(bytes(data)) is None
