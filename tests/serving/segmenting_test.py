"""Whole videos through a network that tells the class of every pixel.

The network is a rule instead of weights: class 2 where red is bright, 1 where green is, else 0.
"""

import csv
import json
import os

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import stored_images
from data_prep.dataset import stream_files
from official.programs import frame_answers
from official.programs import video_answers
from official.serving import answers
from official.serving import batch
from official.serving import frame_files
from official.serving import saved_model
from official.serving import segmenting

_FRAMES, _HEIGHT, _WIDTH = 7, 48, 70
_CLASSES = ("nothing", "green", "red")


def _classes(rgb: tf.Tensor) -> dict[str, tf.Tensor]:
  bright = tf.cast(rgb > 0, tf.uint8)
  return {"masks": tf.maximum(2 * bright[..., 0], bright[..., 1])}


class _Network(tf.Module):
  """Clips of 4 frames of 21x21."""

  @tf.function(input_signature=[tf.TensorSpec([None, 4, 21, 21, 3], tf.float32, name="rgb")])
  def streams(self, rgb):
    return _classes(rgb)

  @tf.function(input_signature=[tf.TensorSpec([None, 4, None, None, 3], tf.uint8, name="frames")])
  def frames(self, frames):
    return _classes(tf.cast(frames, tf.float32) - 127.5)


@pytest.fixture(scope="module")
def version(tmp_path_factory):
  path = str(tmp_path_factory.mktemp("export") / "1")
  network = _Network()
  signatures = {"serving_default": network.frames, "streams": network.streams}
  tf.saved_model.save(network, path, signatures=signatures)
  rgb = {"kind": "image", "channels": 3, "feature": "image/encoded", "format": "jpeg"}
  clip = {"num_frames": 4, "image_size": 21, "short_side": 24, "fps": 10.0, "streams": {"rgb": rgb}}
  assets = {
    "labels.txt": "\n".join(_CLASSES),
    "clip.json": json.dumps(clip),
    "task.json": json.dumps({"task": "segmentation"}),
  }
  for name, text in assets.items():
    with open(os.path.join(path, "assets", name), "w", encoding="utf-8") as file:
      file.write(text)
  return saved_model.Version(path)


@pytest.fixture(scope="module")
def segmenter(version):
  return segmenting.Segmenter(version.path, segmenting.Manner())


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
  """A folder with a video of a red and a green rectangle, its true masks and a manifest."""
  folder = tmp_path_factory.mktemp("scene")
  (folder / "masks").mkdir()
  with frame_files.FrameFile(str(folder / "clip"), rate=10) as file:
    for index in range(_FRAMES):
      mask = np.zeros((_HEIGHT, _WIDTH), np.uint8)
      mask[9:24, 5 + 2 * index : 30] = 1
      mask[28:43, 41 : 53 + 2 * index] = 2
      colours = np.array([[10, 10, 10], [10, 240, 10], [240, 10, 10]], np.uint8)
      file.write(colours[mask])
      (folder / "masks" / f"{index:05d}.png").write_bytes(stored_images.encode(mask, "png"))
  (folder / "manifest.csv").write_text("path,split,mask\nclip.mkv,test,masks\n")
  return folder


def _asked(scene) -> list[answers.Question]:
  return batch.questions([], manifest=str(scene / "manifest.csv"), masks=True)


def _rows(output) -> list[dict[str, str]]:
  with open(output / "metrics.csv", encoding="utf-8") as file:
    return list(csv.DictReader(file))


def test_masks_have_the_size_of_the_video_and_are_right(segmenter, scene, tmp_path):
  found = segmenter(str(scene / "clip.mkv"), str(tmp_path / "clip"), truth=str(scene / "masks"))
  assert (found.frames, found.height, found.width) == (_FRAMES, _HEIGHT, _WIDTH)
  names = sorted(os.listdir(tmp_path / "clip"))
  assert names == [f"{index:06d}.png" for index in range(_FRAMES)]
  written = [cv2.imread(str(tmp_path / "clip" / name), cv2.IMREAD_UNCHANGED) for name in names]
  true = [cv2.imread(str(scene / "masks" / name[1:]), cv2.IMREAD_UNCHANGED) for name in names]
  # The network sees half the size: only pixels beside an edge can be wrong.
  assert (np.stack(written) != np.stack(true)).mean() < 0.04
  assert found.confusion.sum() == _FRAMES * _HEIGHT * _WIDTH
  assert found.confusion.trace() == (np.stack(written) == np.stack(true)).sum()


def test_a_table_has_intersections_over_unions(version, scene, tmp_path, capsys):
  asked = [*_asked(scene), answers.Question(id="gone", path="/nowhere.mp4")]
  status = frame_answers.answer(
    version,
    asked,
    str(tmp_path / "out"),
    segmenting.Manner(overlay=True),
    picture=str(tmp_path / "seen.png"),
  )
  assert status == 0
  row, failed = _rows(tmp_path / "out")
  shares = [float(row[f"iou_{name}"]) for name in _CLASSES]
  assert float(row["mean_iou"]) == pytest.approx(np.mean(shares), abs=1e-5)
  assert min(shares) > 0.8 and float(row["pixel_accuracy"]) > 0.95
  assert failed["error"] and not failed["mean_iou"]
  assert {"clip", "clip-overlay.mkv"} < set(os.listdir(tmp_path / "out"))
  assert (tmp_path / "seen.png").exists()
  assert "all pixels of 1 video: mean IoU 0." in capsys.readouterr().err


def test_without_a_truth_there_are_masks_alone(segmenter, scene, tmp_path):
  found = segmenter(str(scene / "clip.mkv"), str(tmp_path / "clip"))
  assert (found.frames, found.confusion, found.cells()) == (_FRAMES, None, {})
  assert os.listdir(tmp_path) == ["clip"]


@pytest.mark.parametrize(
  "mask, reason",
  [
    (np.full((_HEIGHT, _WIDTH), 7, np.uint8), "the true mask has the number 7, and the network"),
    (np.zeros((24, 35), np.uint8), "the true mask has 35x24 pixels, and frames of the video 70x48"),
    (
      np.zeros((_HEIGHT, _WIDTH, 3), np.uint8) + np.arange(3, dtype=np.uint8),
      "is no use: has colo",
    ),
  ],
)
def test_a_true_mask_that_is_no_use_is_told(segmenter, scene, tmp_path, mask, reason):
  (tmp_path / "masks").mkdir()
  (tmp_path / "masks" / "0.png").write_bytes(stored_images.encode(mask, "png"))
  with pytest.raises(stream_files.StreamError, match=reason):
    segmenter(str(scene / "clip.mkv"), str(tmp_path / "clip"), truth=str(tmp_path / "masks"))
  assert os.listdir(tmp_path) == ["masks"]


def test_the_front_door_returns_masks(version, scene):
  [found] = video_answers.ask(version.path, [str(scene / "clip.mkv")])
  assert found.masks.shape == (_FRAMES, _HEIGHT, _WIDTH)
  assert (found.frames, found.label, found.error) == (None, "", "")
  assert found.masks[3, 36, 45] == 2 and found.masks[3, 16, 20] == 1


def test_class_zero_has_no_colour():
  image = np.full((2, 2, 3), 100, np.uint8)
  shown = segmenting.overlay(image, np.array([[0, 1], [1, 0]], np.uint8))
  assert (shown[0, 0] == 100).all() and (shown[1, 1] == 100).all()
  assert not (shown[0, 1] == 100).all()


def test_only_a_manifest_with_masks_has_true_ones(scene, tmp_path):
  (tmp_path / "m.csv").write_text(f"path,split\n{scene / 'clip.mkv'},test\n")
  [one] = batch.questions([], manifest=str(tmp_path / "m.csv"), masks=True)
  assert one.masks == ""
  assert _asked(scene)[0].masks == str(scene / "masks")


def test_a_file_is_no_folder_for_masks(version, scene, tmp_path):
  (tmp_path / "out").touch()
  with pytest.raises(cli.UserError, match="returns frames or masks: name a folder"):
    frame_answers.answer(version, _asked(scene), str(tmp_path / "out"), segmenting.Manner())
