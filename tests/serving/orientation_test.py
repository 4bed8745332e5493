"""Pictures that say how they are to be turned."""

import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf

from official.serving import orientation
from official.serving import signatures

PICTURE = np.full((24, 40, 3), 40, np.uint8)
PICTURE[:8, :8], PICTURE[:8, -8:], PICTURE[-8:, :8] = 250, 170, 100


def tiff(tag: int, order: str = "<", others: int = 3) -> bytes:
  """Returns a TIFF header with the orientation after `others` entries."""
  entries = b"".join(
    struct.pack(order + "HHIHH", 0x0100 + index, 3, 1, 9, 0) for index in range(others)
  )
  entries += struct.pack(order + "HHIHH", 0x0112, 3, 1, tag, 0)
  start = b"II*\0" if order == "<" else b"MM\0*"
  return start + struct.pack(order + "IH", 8, others + 1) + entries + bytes(4)


def jpeg(header: bytes) -> bytes:
  data = cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
  exif = b"Exif\0\0" + header
  return data[:20] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[20:]


def png(header: bytes) -> bytes:
  data = cv2.imencode(".png", PICTURE)[1].tobytes()
  chunk = b"eXIf" + header
  return (
    data[:33]
    + struct.pack(">I", len(header))
    + chunk
    + struct.pack(">I", zlib.crc32(chunk))
    + data[33:]
  )


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_a_jpeg_is_turned_as_opencv_turns_it(tag, order):
  data = jpeg(tiff(tag, order))
  expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
  found = signatures.decode(tf.constant([data]))[0].numpy()
  assert int(orientation.orientation(tf.constant(data))) == tag
  assert found.shape == expected.shape
  assert np.abs(found.astype(int) - expected).max() < 6


@pytest.mark.parametrize("tag", [1, 3, 6])
def test_a_png_is_turned(tag):
  turns = {1: 0, 3: 2, 6: 3}[tag]
  found = signatures.decode(tf.constant([png(tiff(tag, ">"))]))[0].numpy()
  np.testing.assert_array_equal(found, np.rot90(PICTURE, turns))


@pytest.mark.parametrize(
  "data",
  [
    b"",
    b"\xff\xd8",
    jpeg(tiff(6))[:30],
    jpeg(tiff(9)),
    jpeg(tiff(0)),
    jpeg(b"II*\0\xff\xff\xff\xff"),
    jpeg(b"II*\0"),
    cv2.imencode(".jpg", PICTURE)[1].tobytes(),
    cv2.imencode(".png", PICTURE)[1].tobytes(),
  ],
  ids=range(9),
)
def test_what_has_no_orientation_that_makes_sense_is_left_as_it_is(data):
  assert int(orientation.orientation(tf.constant(data))) == 1
