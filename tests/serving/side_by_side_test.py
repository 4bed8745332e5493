"""The picture of what came in and what was made of it."""

import cv2
import numpy as np
import pytest

from official.serving import side_by_side


@pytest.mark.parametrize(
  "count, kept", [(1, 0), (2, 0), (3, 1), (7, 3), (10, 3), (12, 7), (16, 7), (31, 15), (60, 31)]
)
def test_a_frame_near_the_middle_is_kept(count, kept):
  middle = side_by_side.Middle()
  for number in range(count):
    middle.add(f"frame {number}")
  assert middle.found() == (kept, f"frame {kept}")


def test_the_detail_is_where_images_differ_most():
  truth = np.zeros([30, 40, 3], np.uint8)
  image = truth.copy()
  image[2, 3] = 40
  image[21:25, 30:33] = 90
  top, left, height, width = side_by_side.worst_place(image, truth)
  assert (height, width) == (10, 10)
  assert top <= 21 and left <= 30 and top + height >= 25 and left + width >= 33


def test_the_detail_of_the_lower_right_corner_is_inside():
  truth = np.zeros([9, 9, 3], np.uint8)
  image = truth.copy()
  image[8, 8] = 255
  assert side_by_side.worst_place(image, truth) == (6, 6, 3, 3)


def test_equal_examples_give_equal_bytes():
  image = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
  one = side_by_side.Example(
    title="a video, frame 3", panels={"input": image, "output": image}, detail=(2, 3, 4, 4)
  )
  other = side_by_side.Example(title="another", panels={"input": image}, detail=(0, 0, 4, 4))
  drawn = side_by_side.picture([one, other])
  assert drawn == side_by_side.picture([one, other])
  assert cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR).shape[1] == 720


def test_a_video_is_called_by_its_name_and_that_of_its_folder():
  assert side_by_side.title_of("/data/videos/checks/001.avi") == "checks/001.avi"
  assert side_by_side.title_of("clip.mkv") == "clip.mkv"
