"""Datasets of still images, with videos beside them, as networks get them."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.job import preparation
from official.inputs import clip_store
from official.inputs import clips
from tests import clips_with_streams

SIDE = 32


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  """Two images and a video of five frames, each of one grey level."""
  folder = tmp_path_factory.mktemp("images")
  cv2.imwrite(str(folder / "a.jpg"), np.full((40, 40, 3), 50, np.uint8))
  cv2.imwrite(str(folder / "b.png"), np.full((40, 48, 3), 200, np.uint8))
  clips_with_streams.write_video(folder / "c.mkv", np.full((5, 40, 40, 3), 100, np.uint8))
  (folder / "m.csv").write_text(
    "path,label,split\na.jpg,dark,train\nb.png,light,train\nc.mkv,dark,train\n"
  )
  preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, short_side=SIDE),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return str(folder / "data")


@pytest.mark.parametrize("num_frames", [1, 3])
@pytest.mark.parametrize("cache", ["none", "disk"])
def test_images_and_videos_are_clips_of_as_many_frames_as_are_asked_for(
  data_dir, tmp_path, num_frames, cache
):
  store = clip_store.open_store(
    data_dir, "train", image_size=28, cache_dir=str(tmp_path), cache=cache
  )
  options = dict(num_frames=num_frames, image_size=28, global_batch_size=3)
  (streams, _), *others = clips.evaluation_clips(
    store, ["flow", "rgb"], clips_per_video=1, **options
  )
  assert not others
  assert streams["rgb"].shape == (3, 1, num_frames, 28, 28, 3)
  levels = streams["rgb"].numpy().reshape(3, -1)
  np.testing.assert_allclose(
    levels, np.float32([[50], [200], [100]]) * np.ones_like(levels), atol=2
  )
  moved = streams["flow"].numpy()  # Levels, of which 128 is zero.
  assert moved.shape == (3, 1, num_frames, 28, 28, 2) and (moved == 128).all()
