"""Images as a dataset holds them: JPEG or PNG, of 8 bits, with a shorter side of some pixels.

Nothing here opens a video: decoding.py does.
"""

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np

FORMATS = ("png", "jpeg")
JPEG_QUALITY = 95
_EXTENSIONS = {"png": ".png", "jpeg": ".jpg"}


def encode(rgb: np.ndarray, image_format: str, parameters: Sequence[int] = ()) -> bytes:
  """Encodes an image so that any decoder gives the same channel order back.

  Args:
    rgb: uint8 [height, width, 3], or grey [height, width].
    image_format: One of `FORMATS`.
    parameters: Those of `cv2.imencode`, besides the quality of JPEG.
  """
  if image_format == "jpeg":
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, *parameters]
  in_order = rgb[..., ::-1] if rgb.ndim == 3 else rgb
  done, data = cv2.imencode(_EXTENSIONS[image_format], in_order, list(parameters))
  if not done:
    raise ValueError(
      f"an image of {rgb.shape[1]}x{rgb.shape[0]} cannot be encoded as {image_format}"
    )
  return data.tobytes()


def decode(data: bytes, *, grey: bool) -> np.ndarray | None:
  """Returns uint8 [height, width, 3], or of grey [height, width]; None if that cannot be done."""
  if not grey:
    from data_prep.dataset import png  # Machines that only write datasets have no zlib-ng.

    image = png.decode(data)
    if image is not None:
      return image
  flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
  try:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
  except cv2.error:
    return None


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
  """Returns the image in another size: averaged where it shrinks, bilinear where it grows."""
  if image.shape[:2] == (height, width):
    return image
  shrinks = width * height < image.shape[0] * image.shape[1]
  return cv2.resize(
    image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
  )


def short_side_size(width: int, height: int, short_side: int) -> tuple[int, int]:
  """Returns (width, height) with the given shorter side and the same proportions."""
  scale = Fraction(short_side, min(width, height))
  return round(width * scale), round(height * scale)
