"""Cutting frames and flow alike: flow is what TV-L1 finds in the frames that were cut."""

import cv2
import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import StreamInfo
from official.inputs import videos
from official.inputs import views

IMAGE = StreamInfo(kind="image", channels=3, feature="image/encoded", format="png")
FLOW = StreamInfo(kind="flow", channels=2, feature="flow", format="png", bound=20.0)


def _video(**frames) -> videos.Video:
  return videos.Video(
    id="v",
    labels=(0,),
    frames=len(next(iter(frames.values()))),
    read=lambda name, indices: (frames[name][index] for index in indices),
  )


def _cut(video, name, stream, view, count, size, *, resized=True):
  kept = stream_kinds.get(stream.kind).kept_type(resized=resized)
  clips = np.empty((1, count, size, size, stream.channels), kept)
  views.cut(video, name, stream, [view], clips)
  return clips[0]


def _tvl1(first, second):
  grey = [
    cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in (first, second)
  ]
  return tvl1.FlowComputer("fast")(*grey)


def _moving(request):
  """A picture that is turned, grows and shifts, by up to 3 px."""
  first = request.getfixturevalue("smooth_picture")(1, (128, 160, 3))
  turn = cv2.getRotationMatrix2D((70, 60), 1.0, 1.015) + np.array([[0, 0, 1.5], [0, 0, -0.7]])
  return first, cv2.warpAffine(
    first, turn, (160, 128), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
  )


def _rubber_whale(request):
  folder = request.getfixturevalue("shared_data") / "flow"
  frames = (
    cv2.imread(str(folder / name), cv2.IMREAD_COLOR_RGB) for name in ("frame10.png", "frame11.png")
  )
  return tuple(stored_images.resized(frame, 193, 128) for frame in frames)


@pytest.mark.parametrize("pair", [_moving, _rubber_whale])
@pytest.mark.parametrize(
  "view",
  [
    views.View(longer=0.3, shorter=0.9),
    views.View(flip=True),
    views.View(longer=0.8, shorter=0.2, area=0.4, aspect=1.3),
    views.View(longer=0.4, shorter=0.6, area=0.5, aspect=0.8, flip=True, brightness=20),
  ],
  ids=["crop", "flip", "resize", "all"],
)
def test_flow_that_is_cut_is_the_flow_of_frames_that_are_cut(request, pair, view):
  first, second = pair(request)
  whole = _tvl1(first, second).astype(np.float16)
  video = _video(rgb=np.stack([first, second]), flow=np.stack([whole, whole]))
  frames = _cut(video, "rgb", IMAGE, view, 2, 112)
  vectors = _cut(video, "flow", FLOW, view, 2, 112)[0]
  inside = np.s_[8:-8, 8:-8]  # Beyond the edge of a cut frame TV-L1 sees nothing.
  expected = _tvl1(*frames)
  error = np.linalg.norm(vectors - expected, axis=-1)[inside].mean()
  assert error < 0.1  # TV-L1's own error is 0.19 px on the real pair.


def test_a_crop_at_full_scale_keeps_every_value():
  frames = np.random.default_rng(0).integers(0, 256, (2, 16, 20, 3), np.uint8)
  cut = _cut(_video(rgb=frames), "rgb", IMAGE, views.View(longer=0, shorter=1), 2, 14)
  np.testing.assert_array_equal(cut, frames[:, 2:16, 0:14])


@pytest.mark.parametrize("channels", [2, 3], ids=["from a cache", "from a record"])
def test_stored_flow_is_cut_and_mirrored_as_what_it_means(channels):
  x, y = np.arange(0, 256).reshape(16, 16), np.arange(256)[::-1].reshape(16, 16)
  stored = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)[np.newaxis, ..., :channels]
  video = _video(flow=stored)
  plain = _cut(video, "flow", FLOW, views.View(), 2, 14, resized=False)
  assert plain.dtype == np.uint8
  np.testing.assert_array_equal(plain[0], stored[0, 1:15, 1:15, :2])
  assert (plain[1] == flow_kind.ZERO).all()
  mirrored = _cut(video, "flow", FLOW, views.View(flip=True), 2, 14, resized=False)
  np.testing.assert_array_equal(
    flow_kind.to_pixels(mirrored, 20.0),
    flow_kind.to_pixels(plain, 20.0)[:, :, ::-1] * np.float32([-1, 1]),
  )


def test_mirrored_flow_at_the_bound_stays_at_the_bound():
  stored = np.full((1, 8, 8, 2), 0, np.uint8)
  mirrored = _cut(_video(flow=stored), "flow", FLOW, views.View(flip=True), 1, 7, resized=False)
  assert mirrored[0, 0, 0].tolist() == [255, 0]


def test_resizing_scales_the_vectors_and_mirroring_negates_x():
  flow = np.broadcast_to(np.float16([3, -2]), (1, 8, 8, 2))
  view = views.View(area=0.5, aspect=2.0, longer=0, shorter=0, flip=True)
  assert views.box(view, 8, 8) == (0, 0, 4, 8)
  cut = _cut(_video(flow=flow), "flow", FLOW, view, 1, 12)
  np.testing.assert_allclose(cut[0], np.broadcast_to([-3 * 12 / 8, -2 * 12 / 4], (12, 12, 2)))


def test_brightness_changes_images_within_their_range_and_no_flow():
  rgb, flow = np.array([0, 100, 250], np.uint8), np.float16([1, 2])
  video = _video(rgb=np.broadcast_to(rgb, (1, 8, 8, 3)), flow=np.broadcast_to(flow, (1, 8, 8, 2)))
  view = views.View(brightness=20)
  images = _cut(video, "rgb", IMAGE, view, 1, 7)
  assert images[0, 3, 3].tolist() == [20, 120, 255]
  assert _cut(video, "flow", FLOW, view, 1, 7)[0, 3, 3].tolist() == [1, 2]


def test_past_the_end_the_last_frame_stands_still():
  frames = np.arange(3, dtype=np.uint8).repeat(8 * 8 * 3).reshape(3, 8, 8, 3)
  video = _video(rgb=frames, flow=np.ones((3, 8, 8, 2), np.float16))
  images = _cut(video, "rgb", IMAGE, views.View(), 5, 7)
  assert images[:, 0, 0, 0].tolist() == [0, 1, 2, 2, 2]
  assert _cut(video, "flow", FLOW, views.View(), 5, 7)[:, 0, 0, 0].tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("size", [(40, 60), (60, 40)])
def test_evaluation_spreads_clips_over_time_and_crops_along_the_longer_side(size):
  chosen = views.evaluation_views(2, 3)
  assert [view.time for view in chosen] == [0, 0, 0, 1, 1, 1]
  places = [views.box(view, *size) for view in chosen[:3]]
  along = [(left if size[1] > size[0] else top) for top, left, *_ in places]
  across = [(top if size[1] > size[0] else left) for top, left, *_ in places]
  assert (along, across) == ([0, 13, 25], [3, 3, 3])
  assert {place[2:] for place in places} == {(35, 35)}


def test_a_single_view_is_the_middle_one():
  assert views.evaluation_views(1, 1) == (views.View(time=0.5, longer=0.5, shorter=0.5),)


def test_random_resized_crops_have_the_areas_and_aspects_asked_for():
  draws = np.random.default_rng(0).uniform(size=(500, views.DRAWS))
  augmentation = views.Augmentation(min_crop_area=0.25)
  boxes = np.array([views.box(views.training_view(draw, augmentation), 300, 300) for draw in draws])
  areas, aspects = boxes[:, 2] * boxes[:, 3] / 90000, boxes[:, 3] / boxes[:, 2]
  assert 0.24 < areas.min() < 0.28 and 0.85 < areas.max() <= 1
  assert 0.74 < aspects.min() < 0.78 and 1.28 < aspects.max() < 1.35
  assert (boxes[:, 0] + boxes[:, 2]).max() <= 300 and (boxes[:, 1] + boxes[:, 3]).max() <= 300


def test_what_is_not_asked_for_does_not_vary():
  draws = np.random.default_rng(0).uniform(size=(50, views.DRAWS))
  plain = views.Augmentation(horizontal_flip=False)
  assert {
    (view.flip, view.area, view.brightness)
    for view in (views.training_view(draw, plain) for draw in draws)
  } == {(False, None, 0)}


def test_brightness_is_drawn_from_both_sides():
  draws = np.random.default_rng(0).uniform(size=(500, views.DRAWS))
  augmentation = views.Augmentation(brightness=0.2)
  levels = [views.training_view(draw, augmentation).brightness for draw in draws]
  assert -51 <= min(levels) < -48 and 48 < max(levels) <= 51


@pytest.mark.parametrize(
  "fields, message",
  [
    ({"min_crop_area": 1.5}, "min_crop_area is 1.5; it is a share of a frame's area, more than 0"),
    ({"brightness": -0.1}, "brightness is -0.1; it is a share, from 0 to 1"),
  ],
)
def test_numbers_out_of_range_are_refused(fields, message):
  with pytest.raises(cli.UserError, match=message):
    views.Augmentation(**fields)
