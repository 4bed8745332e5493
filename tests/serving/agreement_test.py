"""What serving makes of a dataset's frames, against what evaluation makes of them."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep import dataset
from official.inputs import clip_values
from official.inputs import videos
from official.inputs import views
from official.serving import frames as frames_lib

_STREAM = dataset.StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")


@pytest.mark.parametrize("height, width, image_size", [
  (24, 32, 16), (24, 32, 24), (32, 24, 16), (40, 40, 35), (45, 61, 32),
])
def test_images_are_those_of_evaluation(height, width, image_size):
  rng = np.random.default_rng(height)
  images = [cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)), (0, 0), 1).astype(np.uint8)
            for _ in range(2)]
  short_side = min(height, width)
  clip = frames_lib.ClipFormat(streams={"rgb": _STREAM}, num_frames=2, image_size=image_size,
                               short_side=short_side, fps=10.0)
  found = frames_lib.to_streams(tf.constant(np.stack(images)), clip)["rgb"].numpy()
  stored = frames_lib.as_stored(tf.constant(np.stack(images))).numpy()
  encoded = [cv2.imencode(".png", image[..., ::-1])[1].tobytes() for image in stored]
  record = tf.train.SequenceExample()
  for data in encoded:
    feature = record.feature_lists.feature_list["image/encoded"].feature.add()
    feature.bytes_list.value.append(data)
  video = videos.from_record(record.SerializeToString(), {"rgb": _STREAM}, clip.grid_side)
  expected = np.empty((1, 2, image_size, image_size, 3), np.uint8)
  views.cut(video, "rgb", _STREAM, [views.View()], expected)
  difference = found - clip_values.scaled(expected[0]).numpy()
  assert np.abs(difference).max() <= 2.01 / 127.5  # Two roundings to 8 bits.
