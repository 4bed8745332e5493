"""Still images are clips of one frame."""

import csv

import cv2
import numpy as np
import pytest

from data_prep.common import listing
from data_prep.dataset import clip_examples
from data_prep.dataset import records


@pytest.fixture
def write_image(texture, tmp_path):
  def write(name: str):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True, parents=True)
    cv2.imwrite(str(path), texture[:64, :96, ::-1])
    return path

  return write


def _image(step):
  return cv2.imdecode(np.frombuffer(step[0], np.uint8), cv2.IMREAD_COLOR_RGB)


@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG", "c.png", "d%03d.jpg", "e[1].png"])
def test_an_image_is_a_clip_of_one_frame_in_which_nothing_moves(
  write_image, make_clip, texture, name
):
  record, frames = make_clip(write_image(name), short_side=64)
  context, lists = records.parse(record)
  assert frames == 1
  assert {key: len(steps) for key, steps in lists.items()} == {
    "image/encoded": 1,
    "image/timestamp": 1,
    clip_examples.FLOW_FEATURE: 1,
    "FORWARD_FLOW/image/timestamp": 1,
  }
  found = _image(lists["image/encoded"][0])
  assert np.abs(found - texture[:64, :96].astype(int)).mean() < 8
  flow = _image(lists[clip_examples.FLOW_FEATURE][0])
  assert flow.shape == (64, 96, 3) and (flow[..., :2] == 128).all()
  assert clip_examples.NOTES_FEATURE not in context


def test_the_frame_rate_does_not_matter_to_an_image(write_image, make_clip):
  path = write_image("a.png")
  assert make_clip(path, fps=100)[1] == make_clip(path, fps=0.5)[1] == 1


def test_a_video_of_one_frame_is_no_image(write_video, tmp_path, make_clip):
  with pytest.raises(clip_examples.ClipError, match="only one frame"):
    make_clip(write_video(tmp_path / "a.avi", count=1))


def test_images_are_listed_where_they_are_asked_for(write_image, write_video, tmp_path):
  image, video = write_image("x/a.jpg"), write_video(tmp_path / "x" / "b.mp4", count=2)
  assert listing.find(str(tmp_path)).videos == (str(video),)
  found = listing.find(str(tmp_path), images=True)
  assert found.videos == (str(image), str(video)) and not found.skipped


def test_a_manifest_of_images_alone(write_image, tmp_path, run_main):
  for name in ("one/a.jpg", "one/b.jpg", "two/a.png", "two/b.png"):
    write_image(f"images/{name}")
  arguments = ["-m", "data_prep.manifest", f"--videos_dir={tmp_path / 'images'}"]
  arguments.append(f"--output={tmp_path / 'images.csv'}")
  run = run_main(arguments)
  assert run.returncode == 2 and "--images" in run.stderr
  assert run_main([*arguments, "--images"]).returncode == 0
  rows = list(csv.DictReader((tmp_path / "images.csv").read_text().splitlines()))
  assert [row["path"] for row in rows] == [
    "images/one/a.jpg",
    "images/one/b.jpg",
    "images/two/a.png",
    "images/two/b.png",
  ]
