"""Flow as colours."""

import numpy as np
import pytest

from data_prep.dataset import flow_colors


@pytest.mark.parametrize(
  "motion, color",
  [
    ((0, 0), (255, 255, 255)),
    ((4, 0), (255, 0, 0)),
    ((-4, 0), (0, 255, 255)),
    ((0, 4), (128, 255, 0)),
    ((0, -4), (128, 0, 255)),
    ((2, 0), (255, 128, 128)),
    ((40, 0), (255, 0, 0)),
  ],
)
def test_the_hue_is_the_direction_and_the_saturation_the_speed(motion, color):
  found = flow_colors.colors(np.full((1, 1, 2), motion, np.float32), 4.0)[0, 0]
  np.testing.assert_allclose(found, color, atol=1)


def test_the_wheel_is_white_in_the_middle_and_in_the_corners():
  wheel = flow_colors.wheel(101)
  assert (wheel[50, 50] == 255).all() and (wheel[0, 0] == 255).all()
  np.testing.assert_allclose(wheel[50, 100], (255, 0, 0), atol=1)
