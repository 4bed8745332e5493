"""Other readers understand the files that data_prep writes.

Model Garden's reader is the real one. Those of MediaSequence and DMVR are written here from the
names of their keys alone, with TensorFlow's own parsing and decoding.
"""

import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.job import preparation

tf = pytest.importorskip("tensorflow")

FRAMES, SHIFT = 6, 4


@pytest.fixture(scope="module")
def record(write_video, tmp_path_factory):
  """A serialized clip of class 1 of 2, 64x48; the picture moves by 4 pixels to the right."""
  folder = tmp_path_factory.mktemp("readers")
  write_video(folder / "a.mp4", count=FRAMES, shift=(SHIFT, 0))
  (folder / "m.csv").write_text(
    "path,label,split,start,end\na.mp4,right,train,0,9\na.mp4,left,test,,\n"
  )
  preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, short_side=48),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return next(
    tf.data.TFRecordDataset(
      list(metadata.shard_paths(str(folder / "data"), "train"))
    ).as_numpy_iterator()
  )


def assert_frames(images, texture):
  """Asserts that uint8 images `[T, 48, 64, 3]` are those that were encoded, in their order."""
  expected = [
    np.roll(texture, index * SHIFT, 1)[40:88, 40:104].astype(int) for index in range(FRAMES)
  ]
  distance = [[np.abs(image - other).mean() for other in expected] for image in images.astype(int)]
  assert np.argmin(distance, axis=1).tolist() == list(range(FRAMES))
  assert np.diag(distance).max() < 8


def test_model_garden_reads_frames_and_label(record, texture):
  from official.vision.configs import video_classification
  from official.vision.dataloaders import video_input

  config = video_classification.DataConfig(
    feature_shape=(FRAMES, 48, 64, 3),
    temporal_stride=1,
    min_image_size=48,
    num_classes=2,
    num_test_clips=1,
    num_test_crops=1,
    is_training=False,
  )
  features, label = video_input.Parser(config).parse_fn(is_training=False)(
    video_input.Decoder().decode(record)
  )
  assert_frames(np.rint(features["image"].numpy() * 255), texture)
  assert label.numpy().tolist() == [0, 1]


def test_mediasequence_keys_give_frames_flow_times_and_label(record, texture):
  strings = tf.io.FixedLenSequenceFeature([], tf.string)
  times = tf.io.FixedLenSequenceFeature([], tf.int64)
  context, lists = tf.io.parse_single_sequence_example(
    record,
    {
      "example/id": tf.io.FixedLenFeature([], tf.string),
      "clip/label/index": tf.io.VarLenFeature(tf.int64),
      "clip/label/string": tf.io.VarLenFeature(tf.string),
      "clip/start/timestamp": tf.io.FixedLenFeature([], tf.int64),
      "clip/end/timestamp": tf.io.FixedLenFeature([], tf.int64),
      "image/format": tf.io.FixedLenFeature([], tf.string),
      "image/height": tf.io.FixedLenFeature([], tf.int64),
      "image/width": tf.io.FixedLenFeature([], tf.int64),
      "image/frame_rate": tf.io.FixedLenFeature([], tf.float32),
      "FORWARD_FLOW/image/saturation": tf.io.FixedLenFeature([], tf.float32),
    },
    {
      "image/encoded": strings,
      "image/timestamp": times,
      "FORWARD_FLOW/image/encoded": strings,
      "FORWARD_FLOW/image/timestamp": times,
    },
  )
  assert context["example/id"] == b"a.mp4_0_9"
  assert context["clip/label/index"].values.numpy().tolist() == [1]
  assert context["clip/label/string"].values.numpy().tolist() == [b"right"]
  assert [int(context[f"clip/{end}/timestamp"]) for end in ("start", "end")] == [0, 9_000_000]
  assert context["image/format"] == b"JPEG"
  assert (context["image/height"], context["image/width"]) == (48, 64)
  assert context["image/frame_rate"] == 10.0
  assert_frames(np.stack([tf.io.decode_jpeg(image) for image in lists["image/encoded"]]), texture)
  assert lists["image/timestamp"].numpy().tolist() == [k * 100_000 for k in range(FRAMES)]
  flow = np.stack([tf.io.decode_image(image) for image in lists["FORWARD_FLOW/image/encoded"]])
  assert lists["FORWARD_FLOW/image/timestamp"].numpy().tolist() == [
    k * 100_000 for k in range(FRAMES - 1)
  ]
  # As MediaPipe decodes it: a linear scale from -saturation to saturation.
  saturation = float(context["FORWARD_FLOW/image/saturation"])
  vectors = (flow[..., :2] / 255 - 0.5) * 2 * saturation
  np.testing.assert_allclose(np.median(vectors[:, 12:-12, 12:-12], (0, 1, 2)), (SHIFT, 0), atol=0.3)


def test_dmvr_keys_give_frames_flow_and_label(record, texture):
  context, lists = tf.io.parse_single_sequence_example(
    record,
    {
      "clip/label/index": tf.io.VarLenFeature(tf.int64),
      "clip/label/text": tf.io.VarLenFeature(tf.string),
    },
    {
      key: tf.io.FixedLenSequenceFeature([], tf.string)
      for key in ("image/encoded", "FORWARD_FLOW/image/encoded")
    },
  )
  assert tf.sparse.to_dense(context["clip/label/index"]).numpy().tolist() == [1]
  assert tf.sparse.to_dense(context["clip/label/text"]).numpy().tolist() == [b"right"]
  images, flows = (
    [tf.io.decode_jpeg(image, channels=3) for image in lists[key]]
    for key in ("image/encoded", "FORWARD_FLOW/image/encoded")
  )
  assert_frames(np.stack(images), texture)
  # DMVR keeps two channels, and clips to [-1, 1] what it scales from 8 bits.
  scaled = np.stack(flows)[..., :2] / 127.5 - 1
  assert scaled.shape == (FRAMES - 1, 48, 64, 2)
  np.testing.assert_allclose(
    np.median(scaled[:, 12:-12, 12:-12], (0, 1, 2)), (SHIFT / 20, 0), atol=0.02
  )
