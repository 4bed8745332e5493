"""The rotation of pictures by their EXIF orientation, with TensorFlow's operations.

A camera stores pictures as its sensor lies and writes down how they are to be turned, in one of
eight ways (EXIF 2.32, tag 0x0112). OpenCV turns them where it decodes, FFmpeg in a video's frames;
TensorFlow does not, so that a model that is served would see what it has never been trained on.

The tag is in a TIFF header within the first 64 kB: after "Exif" and two zeros in a JPEG, after
"eXIf" in a PNG.

    II or MM, for little or big endian | 42 | offset of entries    2 + 2 + 4 bytes
    number of entries                                              2
    tag | type | count | value, ...                                12 each
"""

import tensorflow as tf

_BEGINNING = 65_536  # Bytes that are searched.
_IN_JPEG, _IN_PNG = b"Exif\0\0", b"eXIf"
_TAG = 0x0112
_MOST_ENTRIES = 1000


def upright(picture: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
  """Returns a picture as it is meant to be seen.

  Args:
    picture: [height, width, channels], decoded without regard to its orientation.
    encoded: string scalar, the JPEG or PNG that it was decoded from.
  """
  tag = orientation(encoded)
  return tf.cond(tag == 1, lambda: picture, lambda: _turned(picture, tag))


def orientation(encoded: tf.Tensor) -> tf.Tensor:
  """Returns the EXIF orientation of a JPEG or PNG, int64 scalar; 1 where it has none."""
  beginning = tf.io.decode_raw(tf.strings.substr(encoded, 0, _BEGINNING), tf.uint8)
  at = tf.cond(
    tf.reduce_any(beginning[:1] == 0x89),
    lambda: _after(beginning, _IN_PNG),
    lambda: _after(beginning, _IN_JPEG),
  )
  return tf.cond(
    (at >= 0) & (at < tf.size(beginning, tf.int64)),
    lambda: _read(tf.cast(beginning, tf.int64), at),
    lambda: tf.constant(1, tf.int64),
  )


def _after(data: tf.Tensor, start: bytes) -> tf.Tensor:
  """Returns the place after the first `start`, int64 scalar; -1 where there is none."""
  last = tf.maximum(tf.size(data) - len(start) + 1, 0)
  is_here = data[:last] == start[0]
  for index, value in enumerate(start[1:], start=1):
    is_here &= data[index : index + last] == value
  places = tf.where(is_here)[:, 0] + len(start)
  return tf.cond(tf.size(places) > 0, lambda: places[0], lambda: tf.constant(-1, tf.int64))


def _read(data: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
  """Returns the value of the tag in the TIFF header that begins `at`."""
  little = data[at] == ord("I")

  def number(place: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the number at each place; what is beyond the data counts as its last byte."""
    places = place[..., tf.newaxis] + tf.range(size, dtype=tf.int64)
    values = tf.gather(data, tf.clip_by_value(places, 0, tf.size(data, tf.int64) - 1))
    values = tf.cond(little, lambda: values, lambda: values[..., ::-1])
    return tf.reduce_sum(values * [256**power for power in range(size)], -1)

  entries = at + number(at + 4, 4)
  count = tf.minimum(number(entries, 2), _MOST_ENTRIES)
  places = entries + 2 + 12 * tf.range(count)
  values = tf.boolean_mask(number(places + 8, 2), number(places, 2) == _TAG)
  value = tf.cond(tf.size(values) > 0, lambda: values[0], lambda: tf.constant(1, tf.int64))
  return tf.where((value >= 1) & (value <= 8), value, 1)


def _turned(picture: tf.Tensor, tag: tf.Tensor) -> tf.Tensor:

  def is_one_of(tags: list[int]) -> tf.Tensor:
    return tf.reduce_any(tag == tf.constant(tags, tf.int64))

  picture = tf.cond(tag > 4, lambda: tf.transpose(picture, [1, 0, 2]), lambda: picture)
  picture = tf.cond(is_one_of([2, 3, 6, 7]), lambda: picture[:, ::-1], lambda: picture)
  return tf.cond(is_one_of([3, 4, 7, 8]), lambda: picture[::-1], lambda: picture)
