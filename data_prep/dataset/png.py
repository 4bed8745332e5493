"""A decoder for the PNG files that OpenCV writes for data_prep, twice as fast as OpenCV's.

Half of the time of decoding a clip with flow is zlib's. zlib-ng inflates to the same bytes twice as
fast, but no decoder that releases Python's lock is built on it (docs/performance.md lists those
that were tried). The rest is a sum: OpenCV filters every line by `Sub`, which keeps of each byte
its difference, modulo 256, to the same channel of the pixel to the left (PNG specification, section
9.2); lines of an integral image, each less the one above, are the sums of these differences. The
checksum over all values is verified; those of chunks, which cover the same again, are not.
"""

import cv2
import numpy as np
from zlib_ng import zlib_ng

_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_KIND = bytes([8, 2, 0, 0, 0])  # Bits, RGB, deflated, filtered by line, not interlaced.
_SUB = b"\1"
_LARGEST = 2**31 // 255  # Pixels, of which an integral image of int32 holds the sum.


def decode(data: bytes) -> np.ndarray | None:
  """Returns RGB, uint8 [height, width, 3]; None for anything but a whole image of this kind."""
  width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
  if data[:16] != _START or data[24:29] != _KIND or not 0 < width * height <= _LARGEST:
    return None
  packed = _packed(data)
  if packed is None:
    return None
  try:
    values = zlib_ng.decompress(packed, bufsize=height * (1 + 3 * width))
  except zlib_ng.error:
    return None
  if len(values) != height * (1 + 3 * width):
    return None
  lines = np.frombuffer(values, np.uint8).reshape(height, -1)
  if lines[:, 0].tobytes() != _SUB * height:
    return None
  sums = cv2.integral(lines[:, 1:].reshape(height, width, 3))[:, 1:].astype(np.uint8)
  return sums[1:] - sums[:-1]


def _packed(data: bytes) -> bytes | None:
  """Returns what the chunks IDAT hold; None if there are others, or one is cut off."""
  parts, at = [], 33
  while at + 12 <= len(data):
    end = at + 8 + int.from_bytes(data[at : at + 4], "big")
    kind = data[at + 4 : at + 8]
    if kind == b"IEND":
      return parts[0] if len(parts) == 1 else b"".join(parts)
    if kind != b"IDAT":
      return None
    parts.append(data[at + 8 : end])
    at = end + 4
  return None
