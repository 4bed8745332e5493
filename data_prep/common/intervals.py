"""Confidence intervals of shares.

Of n clips k are right. The share k / n of another n clips would be another one; the interval of
Wilson (1927) holds the true share in about 95 of 100 cases, and, other than p +- 1.96 sqrt(p (1 -
p) / n), it is sensible for few clips and for shares of 0 and 1:

    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
"""

import math

Z_95 = 1.959963984540054  # A normal variable is within it of its mean in 95 of 100 cases.


def wilson(right: float, count: int, z: float = Z_95) -> tuple[float, float]:
  """Returns the bounds of the interval, each from 0 to 1.

  Args:
    right: How many are right, from 0 to `count`.
    count: How many there are, at least 1.
    z: Half the width of the interval in standard deviations.

  Raises:
    ValueError: The numbers are not a share.
  """
  if count < 1 or not 0 <= right <= count:
    raise ValueError(f"{right} of {count} is no share; give 0 <= right <= count and count >= 1")
  share, spread = right / count, z * z / count
  middle = (share + spread / 2) / (1 + spread)
  half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
  return (middle - half if right else 0.0), (middle + half if right < count else 1.0)
