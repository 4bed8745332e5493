"""Masks among the labels of a batch: cut, mirrored and resized as the frames are."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import mask_files
from data_prep.dataset import metadata
from data_prep.job import preparation
from official.inputs import clip_store
from official.inputs import clips
from official.inputs import flow_source
from official.inputs import targets
from official.inputs import views
from tests import clips_with_streams

FRAMES, HEIGHT, WIDTH = 3, 48, 64


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  """Two clips: a bright rectangle, number 1 in the mask, on black, which is 0."""
  folder = tmp_path_factory.mktemp("masks")
  lines = ["path,label,split,mask"]
  for index in range(2):
    mask = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    mask[:, 8 : 20 + 8 * index, 6:30] = 1
    frames = np.repeat(mask[..., np.newaxis] * 255, 3, axis=-1)
    clips_with_streams.write_video(folder / f"{index}.mkv", frames)
    (folder / f"{index}").mkdir()
    for frame in range(FRAMES):
      cv2.imwrite(str(folder / f"{index}" / f"{frame}.png"), mask[frame])
    lines.append(f"{index}.mkv,{'ab'[index]},train,{index}")
  (folder / "m.csv").write_text("\n".join(lines) + "\n")
  preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, short_side=HEIGHT, flow="none"),
    masks=mask_files.MaskInput(classes=("ground", "box")),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return str(folder / "data")


def _store(data_dir, tmp_path, size):
  return clip_store.open_store(
    data_dir, "train", image_size=size, cache_dir=str(tmp_path), targets=["mask"]
  )


@pytest.mark.parametrize("size", [24, 42], ids=["shrunk", "as stored"])
@pytest.mark.parametrize("area", [None, 0.4])
def test_masks_move_with_the_frames(data_dir, tmp_path, size, area):
  made = clips.training_clips(
    _store(data_dir, tmp_path, size),
    ["rgb"],
    num_frames=FRAMES,
    image_size=size,
    global_batch_size=16,
    seed=0,
    augmentation=views.Augmentation(min_crop_area=area),
    target=targets.Stream("mask"),
  )
  streams, labels = next(iter(made))
  mask = labels["mask"].numpy()
  assert mask.shape == (16, FRAMES, size, size) and mask.dtype == np.uint8
  assert set(np.unique(mask)) == {0, 1}
  bright = streams["rgb"].numpy()[..., 0] > 127
  assert (bright == mask).mean() > 0.97  # But for pixels at an edge.
  assert (bright[..., ::-1] == mask).mean() < 0.9


def test_what_is_past_the_end_does_not_count(data_dir, tmp_path):
  made = clips.evaluation_clips(
    _store(data_dir, tmp_path, 24),
    ["rgb"],
    num_frames=5,
    image_size=24,
    global_batch_size=2,
    target=targets.Stream("mask"),
  )
  mask = next(iter(made))[1]["mask"].numpy()
  assert mask.shape == (2, 1, 5, 24, 24)
  assert (mask[:, :, 3:] == 255).all() and not (mask[:, :, :3] == 255).any()


def test_pixels_of_each_class_are_counted(data_dir, tmp_path):
  store = _store(data_dir, tmp_path, 42)
  counts = targets.Stream("mask").counts(store, 2)
  bright = FRAMES * 24 * (12 + 20)
  np.testing.assert_array_equal(counts, [FRAMES * 2 * HEIGHT * WIDTH - bright, bright])


def test_no_network_reads_a_mask(data_dir):
  assert set(flow_source.streams(metadata.load(data_dir), "stored")) == {"rgb"}
