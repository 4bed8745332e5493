"""The sample videos as files: real ones, the same bytes each time, classes as documented.

What is seen in the hard ones is tested in sample_scenes_test.py.
"""

import pathlib
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from data_prep.dataset import rows
from data_prep.dataset import tvl1
from tools import sample_scenes

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = "tools/make_sample_videos.py"


def run(*arguments, command=(SCRIPT,)):
  return subprocess.run(
    [sys.executable, *command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
  )


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> pathlib.Path:
  """Five easy videos a class."""
  folder = tmp_path_factory.mktemp("samples") / "videos"
  made = run(f"--output_dir={folder}", "--clips_per_class=5", "--difficulty=easy")
  assert made.returncode == 0, made.stderr
  return folder


def frames(row) -> list[np.ndarray]:
  with av.open(row.location) as container:
    return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_the_manifest_lists_six_classes_in_all_splits(videos):
  found = rows.read(str(videos / "manifest.csv"))
  assert rows.classes(found) == (
    "checks_falling",
    "checks_rising",
    "checks_swaying",
    "spots_falling",
    "spots_rising",
    "spots_swaying",
  )
  splits = [(row.labels[0], row.split) for row in found]
  assert all(
    splits.count((label, split)) == count
    for label in rows.classes(found)
    for split, count in (("train", 3), ("validation", 1), ("test", 1))
  )


def test_both_containers_and_codecs_are_there(videos):
  found = set()
  for row in rows.read(str(videos / "manifest.csv")):
    with av.open(row.location) as container:
      found.add((row.path[-3:], container.streams.video[0].codec_context.name))
  assert found == {("mp4", "h264"), ("avi", "mpeg4")}


def test_videos_are_short_and_small(videos):
  for row in rows.read(str(videos / "manifest.csv")):
    images = frames(row)
    assert 24 <= len(images) <= 38
    assert images[0].shape in {(72, 96, 3), (84, 112, 3), (96, 128, 3)}


def test_the_same_seed_gives_the_same_bytes_however_it_is_started(videos, tmp_path):
  assert (
    run(
      f"--output_dir={tmp_path / 'again'}",
      "--clips_per_class=5",
      "--difficulty=easy",
      command=("-m", "tools.make_sample_videos"),
    ).returncode
    == 0
  )
  paths = sorted(path.relative_to(videos) for path in videos.rglob("*.*"))
  assert len(paths) == 31
  for path in paths:
    assert (tmp_path / "again" / path).read_bytes() == (videos / path).read_bytes(), path


def test_another_seed_gives_other_videos(videos, tmp_path):
  run(f"--output_dir={tmp_path / 'other'}", "--clips_per_class=1", "--difficulty=easy", "--seed=1")
  name = "spots_rising/000.mp4"
  assert (tmp_path / "other" / name).read_bytes() != (videos / name).read_bytes()


def test_rising_and_falling_differ_by_the_sign_of_the_flow(videos):
  for row in rows.read(str(videos / "manifest.csv"))[::3]:
    motion = row.labels[0].split("_")[1]
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in frames(row)]
    computer = tvl1.FlowComputer("fast")
    vectors = np.concatenate([computer(a, b) for a, b in zip(greys[0:-1:6], greys[1::6])])
    upright = vectors[..., 1]  # Downwards.
    strong = np.abs(upright) > 2
    sideways = np.abs(vectors[..., 0]) > 2
    if motion == "swaying":
      assert sideways.sum() > strong.sum()
    else:
      assert np.sign(np.mean(upright[strong])) == (1 if motion == "falling" else -1)
      assert strong.sum() > sideways.sum()


def test_checks_are_warm_and_spots_are_cold(videos):
  for row in rows.read(str(videos / "manifest.csv")):
    images = np.stack(frames(row)).astype(int)
    vivid = np.ptp(images, axis=-1) > 140
    warmth = (images[..., 0] - images[..., 2])[vivid].mean()
    assert (warmth > 0) == row.labels[0].startswith("checks")


def test_videos_are_hard_unless_asked_otherwise(tmp_path):
  run(f"--output_dir={tmp_path / 'hard'}", "--clips_per_class=1")
  found = rows.read(str(tmp_path / "hard/manifest.csv"))
  assert rows.classes(found) == tuple(sorted(sample_scenes.SETS["hard"].classes))


def test_a_folder_that_is_there_is_refused(videos):
  refused = run(f"--output_dir={videos}")
  assert refused.returncode == 2
  assert refused.stderr == (
    f"error: --output_dir={videos} is there already; give another, or delete it\n"
  )


def test_no_folder_given():
  refused = run()
  assert (refused.returncode, refused.stderr) == (
    2,
    "error: --output_dir is needed (--help lists the flags)\n",
  )
