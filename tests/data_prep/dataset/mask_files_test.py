"""Masks of a manifest: which frame has which, what is stored, and what is wrong with them."""

import cv2
import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import mask_files
from data_prep.dataset import records
from data_prep.dataset import rows
from data_prep.dataset import stream_kinds

FRAMES, SIZE = 6, (64, 48)  # Of a video at 10 frames a second.


@pytest.fixture
def folder(tmp_path, write_video):
  """One clip whose mask k has the number k % 3 in its upper half, and 255 in a corner."""
  write_video(tmp_path / "0.avi", count=FRAMES, size=SIZE)
  _write(tmp_path / "masks", FRAMES)
  (tmp_path / "m.csv").write_text("path,label,split,mask\n0.avi,a,train,masks\n")
  return tmp_path


def _mask(index: int) -> np.ndarray:
  mask = np.zeros(SIZE[::-1], np.uint8)
  mask[:24] = index % 3
  mask[:4, :4] = 255
  return mask


def _write(folder, count: int) -> None:
  folder.mkdir(exist_ok=True)
  for old in folder.iterdir():
    old.unlink()
  for index in range(count):
    cv2.imwrite(str(folder / f"{index:03d}.png"), _mask(index))


def _looked_at(folder, **given):
  masks = mask_files.MaskInput(**given)
  manifest = str(folder / "m.csv")
  return mask_files.looked_at(masks, rows.read(manifest, {"mask": masks.column}), manifest)


def _stored(folder, fps=10, short_side=48, **given):
  """Returns the masks in the record of the clip, and their stream."""
  masks = _looked_at(folder, **given)
  (row,) = rows.read(str(folder / "m.csv"), {"mask": "mask"})
  settings = clip_examples.Settings(fps=fps, short_side=short_side, flow="none", inputs=(masks,))
  record, _ = clip_examples.ClipMaker(settings, ["a"]).make(row)
  stream = settings.streams["mask"]
  lists = records.parse(record)[1][mask_files.FEATURE]
  return [stream_kinds.get("mask").decode(data, stream) for (data,) in lists], stream


def test_masks_come_back_to_the_bit(folder):
  found, stream = _stored(folder)
  np.testing.assert_array_equal(found, [_mask(index) for index in range(FRAMES)])
  assert stream.classes == ("0", "1", "2") and stream.channels == 1


def test_a_frame_has_the_mask_of_the_frame_that_it_shows(folder):
  found, _ = _stored(folder, fps=6)  # At 0, 1/6, 2/6 and 3/6 s: frames 0, 1, 3 and 5.
  np.testing.assert_array_equal(found, [_mask(index) for index in (0, 1, 3, 5)])


def test_frames_between_masks_do_not_count(folder):
  _write(folder / "masks", 2)
  found, _ = _stored(folder, every=3)
  np.testing.assert_array_equal(found[0], _mask(0))
  np.testing.assert_array_equal(found[3], _mask(1))
  assert all((found[index] == 255).all() for index in (1, 2, 4, 5))


def test_resizing_makes_no_new_numbers(folder):
  found, _ = _stored(folder, short_side=20)
  assert found[1].shape == (20, 27) and set(np.unique(found)) == {0, 1, 2, 255}


def test_the_index_of_a_palette_is_the_number(folder):
  from PIL import Image

  for index in range(FRAMES):
    image = Image.fromarray(_mask(index), mode="P")
    image.putpalette([9, 9, 9, 200, 30, 7, 5, 100, 5] + [0] * 759)
    image.save(folder / "masks" / f"{index:03d}.png")
  np.testing.assert_array_equal(_stored(folder)[0][1], _mask(1))


def test_an_array_is_a_mask_too(folder):
  np.save(folder / "masks.npy", np.stack([_mask(index) for index in range(FRAMES)]))
  (folder / "m.csv").write_text("path,label,split,mask\n0.avi,a,train,masks.npy\n")
  np.testing.assert_array_equal(_stored(folder)[0], [_mask(index) for index in range(FRAMES)])


@pytest.mark.parametrize(
  "change, given, told",
  [
    (
      None,
      dict(classes=("a", "b")),
      "has the number 2 in 002.png, and `mask_classes` names 2 clas",
    ),
    ("size", {}, "has 005.png of 32x24 pixels, and frames of the video have 64x48"),
    ("fewer", {}, "has 3 images, and its video 6 frames; `mask_every`=1 needs one for every 1 of"),
    ("gone", {}, "row 2: the mask masks is not there"),
    ("colours", {}, "has colours, or values of uint8; a mask has one number of 8 bits"),
    ("damaged", {}, "has 000.png, which is no PNG that can be decoded"),
  ],
)
def test_what_is_wrong_is_told_before_work(folder, change, given, told):
  masks = folder / "masks"
  if change == "size":
    cv2.imwrite(str(masks / "005.png"), np.zeros((24, 32), np.uint8))
  elif change == "fewer":
    _write(masks, 3)
  elif change == "gone":
    masks.rename(folder / "other")
  elif change == "colours":
    cv2.imwrite(str(masks / "000.png"), np.uint8([[[1, 2, 3]]]).repeat(48, 0).repeat(64, 1))
  elif change == "damaged":
    (masks / "000.png").write_bytes(b"no image")
  with pytest.raises(cli.UserError, match=told):
    _looked_at(folder, **given)


def test_a_row_without_a_mask_is_told(folder):
  (folder / "m.csv").write_text("path,label,split,mask\n0.avi,a,train,\n")
  with pytest.raises(
    cli.UserError, match="row 2: mask is empty: the file of the stream is missing"
  ):
    _looked_at(folder)
