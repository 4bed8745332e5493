"""The median of every 5x5 window, without sorting the windows.

A comparison of two images is a minimum and a maximum, which run as fast as memory does; so the
median is a network of comparisons, of as few as possible:

1. The five pixels of every *column* of a window are sorted. Neighbouring windows share columns, so
   that this is done once for all of them.
2. The five columns are sorted rank by rank. Values now rise along both axes of the window.
3. Let r[i][j] be the value of rank i in its column and j in its row. Six values (i + j < 3) have 13
   or more that are as large or larger, six (i + j > 5) as many that are smaller, and of the three
   antidiagonals between,

       A = r[0][3] r[1][2] r[2][1] r[3][0]
       B = r[0][4] r[1][3] r[2][2] r[3][1] r[4][0]
       C = r[1][4] r[2][3] r[3][2] r[4][1]

   the median of all 25 is the median of max(A), median(B) and min(C). (By the 0-1 principle: the
   ones of a window of zeros and ones, so ordered, fill a staircase, and a staircase has 13 ones or
   more exactly if two of the three are one.)
"""

from collections.abc import Sequence
import functools

import tensorflow as tf

# Sorts five values in nine comparisons.
_SORT = ((0, 1), (3, 4), (2, 4), (2, 3), (1, 4), (0, 3), (0, 2), (1, 3), (1, 2))


def median_5x5(images: tf.Tensor) -> tf.Tensor:
  """Returns the median of the 25 pixels around every pixel, [images, height, width] as given.

  Beyond its border an image continues with the pixels of the border, as in OpenCV's medianBlur.
  """
  height, width = tf.shape(images)[1], tf.shape(images)[2]
  for _ in range(2):  # twice by one: SYMMETRIC by two would repeat two different pixels
    images = tf.pad(images, [[0, 0], [1, 1], [1, 1]], "SYMMETRIC")
  ranks = _sort([images[:, k : k + height] for k in range(5)])
  r = [_sort([rank[:, :, k : k + width] for k in range(5)]) for rank in ranks]
  low = functools.reduce(tf.maximum, [r[0][3], r[1][2], r[2][1], r[3][0]])
  middle = _sort([r[0][4], r[1][3], r[2][2], r[3][1], r[4][0]])[2]
  high = functools.reduce(tf.minimum, [r[1][4], r[2][3], r[3][2], r[4][1]])
  low, high = tf.minimum(low, high), tf.maximum(low, high)
  return tf.maximum(low, tf.minimum(middle, high))


def _sort(values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
  values = list(values)
  for i, j in _SORT:
    values[i], values[j] = tf.minimum(values[i], values[j]), tf.maximum(values[i], values[j])
  return values
