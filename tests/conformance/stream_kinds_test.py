"""Every kind of stream through one suite: what its values survive, and the way to a network.

Among the kinds is one from outside the tree (heat_streams.py, heat_stream_tensors.py).
"""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset import preview_clips
from data_prep.dataset import preview_page
from data_prep.dataset import records
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo
from official import network
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import clips
from official.inputs import stream_tensors
from official.inputs import views
from official.serving import frames as frames_lib
from official.serving import model_card
from official.tasks import registry

STREAMS = {
  "image of 3 channels": StreamInfo(kind="image", channels=3, feature="x", format="png"),
  "image of 1 channel": StreamInfo(kind="image", channels=1, feature="x", format="png"),
  "flow": StreamInfo(kind="flow", channels=2, feature="x", format="png", bound=20.0),
  "array": StreamInfo(
    kind="array",
    channels=31,
    feature="x",
    format="zlib",
    dtype="float16",
    mean=(100.0,) * 31,
    spread=(20.0,) * 31,
  ),
  "depth": StreamInfo(
    kind="depth",
    channels=1,
    feature="x",
    format="zlib",
    dtype="uint16",
    mean=(100.0,),
    spread=(20.0,),
  ),
  "heat": StreamInfo(kind="heat_streams.heat", channels=1, feature="x", format="png"),
}
COUNT, SIDE = 5, 24  # Frames of a video, and pixels of their shorter side.
every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


def _frames(stream: StreamInfo, count: int = COUNT) -> list[np.ndarray]:
  """Returns frames as the kind sees them, of 24x30 pixels, whose values 8 bits hold exactly."""
  channels = stream.channels if stream.dtype else 3
  levels = np.random.default_rng(0).integers(64, 192, (count, SIDE, SIDE + 6, channels), np.uint8)
  if stream.dtype:
    return list(levels.astype(stream.dtype))
  if stream.channels == 1:
    levels = levels[..., 0]
  return [stream_kinds.get(stream.kind).seen(one, stream) for one in levels]


def _stored(stream: StreamInfo) -> list[bytes]:
  return [stream_kinds.get(stream.kind).encode(one, stream) for one in _frames(stream)]


def _kept(stream: StreamInfo, *, shrunk: bool) -> tuple[np.ndarray, np.ndarray]:
  """Returns a frame as it is kept, of 24x30 or, if shrunk, 12x15 pixels; and a clip to be cut."""
  kind = stream_kinds.get(stream.kind)
  levels = kind.decode(_stored(stream)[0], stream)
  size = (15, 12) if shrunk else (30, 24)
  kept = kind.resize(levels, stream, *size, shrunk=shrunk)
  clip = np.empty((COUNT, 10, 10, stream.channels), kind.type_of(stream, resized=shrunk))
  return kept, clip


@every_stream
def test_what_is_stored_comes_back(stream):
  kind = stream_kinds.get(stream.kind)
  for seen, data in zip(_frames(stream), _stored(stream)):
    np.testing.assert_array_equal(kind.seen(kind.decode(data, stream), stream), seen)
  assert kind.decode(b"no image", stream) is None


@every_stream
@pytest.mark.parametrize("shrunk", [False, True])
def test_frames_are_kept_in_the_type_that_the_kind_says(stream, shrunk):
  kept, clip = _kept(stream, shrunk=shrunk)
  assert kept.dtype == clip.dtype
  assert kept.shape[:2] == ((12, 15) if shrunk else (24, 30))
  assert kept.shape[2] >= stream.channels


@every_stream
@pytest.mark.parametrize("shrunk", [False, True])
def test_mirroring_twice_gives_the_same_clip(stream, shrunk):
  kind = stream_kinds.get(stream.kind)
  kept, clip = _kept(stream, shrunk=shrunk)
  for target in clip:
    kind.cut(kept[:10, :10], stream, target)
  cut = clip.copy()
  kind.mirror(clip)
  assert not np.array_equal(clip, cut)
  kind.mirror(clip)
  np.testing.assert_array_equal(clip, cut)


@every_stream
@pytest.mark.parametrize("shrunk", [False, True])
def test_past_the_end_nothing_changes_any_more(stream, shrunk):
  kind = stream_kinds.get(stream.kind)
  kept, clip = _kept(stream, shrunk=shrunk)
  for target in clip:
    kind.cut(kept[:10, :10], stream, target)
  cut = clip.copy()
  kind.hold(clip, 2)
  np.testing.assert_array_equal(clip[:2], cut[:2])
  assert (clip[3:] == clip[2]).all()


@every_stream
def test_facts_that_the_kind_does_not_take_are_told(stream):
  kind = stream_kinds.get(stream.kind)
  assert kind.fault(stream) is None
  told = kind.fault(dataclasses.replace(stream, channels=7))
  assert told.startswith(
    "has 7 channels, and the" if kind.channels else "has 31 numbers as its mean"
  )
  assert "has the format 'gif'" in kind.fault(dataclasses.replace(stream, format="gif"))


def _write(folder, stream: StreamInfo) -> str:
  """Writes a dataset of three train videos with this stream alone."""
  with open(folder / metadata.shard_name("train", 0, 1), "wb") as file:
    for index in range(3):
      context = {
        "example/id": [f"{index}".encode()],
        "clip/label/index": [index % 2],
        "clip/label/string": [b"ab"[index % 2 : index % 2 + 1]],
      }
      lists = {stream.feature: [[data] for data in _stored(stream)]}
      records.write_record(file, records.sequence_example(context, lists))
  splits = {name: metadata.SplitInfo() for name in metadata.SPLITS}
  info = metadata.DatasetInfo(
    classes=("a", "b"),
    streams={"seen": stream},
    fps=10.0,
    short_side=SIDE,
    splits=splits | {"train": metadata.SplitInfo(clips=3, frames=3 * COUNT, shards=1)},
    failures=0,
    multi_label=False,
    manifest_sha256="",
    settings={},
    versions={},
  )
  metadata.save(info, str(folder))
  return str(folder)


def _architecture() -> Architecture:
  return Architecture(
    (
      Block(id="s", level=0, kind="stem_2plus1d", streams=("seen",), channels=4, spatial_stride=2),
      Block(id="a", level=1, kind="basic_2plus1d", channels=4),
    ),
    (Connection("s", "a"),),
  )


@every_stream
@pytest.mark.parametrize("image_size", [12, 21], ids=["shrunk", "as stored"])
def test_a_stream_goes_from_records_to_a_network(stream, image_size, tmp_path):
  data_dir = _write(tmp_path, stream)
  batches = {}
  for cache in ("none", "disk"):
    store = clip_store.open_store(
      data_dir, "train", image_size=image_size, cache_dir=str(tmp_path / "cache"), cache=cache
    )
    made = clips.training_clips(
      store,
      ["seen"],
      num_frames=COUNT + 1,
      image_size=image_size,
      global_batch_size=4,
      seed=1,
      augmentation=views.Augmentation(brightness=0.2),
    )
    batches[cache] = next(iter(made))[0]
  for name, values in batches["none"].items():
    np.testing.assert_array_equal(batches["disk"][name], values)
  values = clip_values.for_network(batches["none"])
  assert list(values) == ["seen"] and values["seen"].dtype == tf.float32
  size = [COUNT + 1, image_size, image_size]
  assert values["seen"].shape == [4, *size, stream.channels]
  model = network.build_network(
    _architecture(),
    streams={"seen": stream.channels},
    num_frames=size[0],
    height=size[1],
    width=size[2],
    num_classes=2,
  )
  assert np.isfinite(model(values)).all()


@every_stream
def test_what_a_network_takes_is_what_the_stored_values_mean(stream, tmp_path):
  store = clip_store.open_store(
    _write(tmp_path, stream), "train", image_size=21, cache_dir=str(tmp_path), cache="none"
  )
  batches = clips.evaluation_clips(
    store, ["seen"], num_frames=COUNT, image_size=21, global_batch_size=1
  )
  batch = next(iter(batches))[0]
  found = clip_values.for_network(batch)["seen"].numpy()[0, 0]
  seen = np.stack(_frames(stream))[:, 2:23, 5:26].reshape(found.shape[:3] + (-1,))
  expected = seen[..., : stream.channels].astype(np.float32)
  if stream.kind == "image":
    expected = expected / 127.5 - 1
  if stream.dtype:
    expected = (expected - 100) / 20
  still = COUNT - 1 if stream.kind == "flow" else COUNT
  np.testing.assert_allclose(found[:still], expected[:still], rtol=0, atol=1e-5)


@every_stream
def test_a_served_network_says_what_it_takes(stream, tmp_path):
  info = metadata.load(_write(tmp_path, stream))
  inputs = {"seen": tf.TensorSpec([None, COUNT, 21, 21, stream.channels])}
  clip = frames_lib.clip_format(inputs, info)
  kind = stream_kinds.get(stream.kind)
  card = model_card.render(info, registry.DEFAULT.served(), clip, [{"blocks": []}], {})
  assert f"| `seen` | float32 [batch, 5, 21, 21, {stream.channels}] | {kind.unit} |" in card
  assert stream_tensors.get(stream.kind).origin(stream) in card
  if clip.comes_from_frames:
    frames = tf.zeros([COUNT, 30, 40, 3], tf.uint8)
    assert frames_lib.to_streams(frames, clip)["seen"].shape == inputs["seen"].shape[1:]


@every_stream
def test_people_can_look_at_a_dataset(stream, tmp_path):
  data_dir = _write(tmp_path, stream)
  info = metadata.load(data_dir)
  summary = preview_clips.summarize(preview_clips.read(data_dir, info, 10), info, 1)
  page = preview_page.render("name", info, summary, [])
  assert page.count('alt="seen of') == 2
  assert stream_kinds.get(stream.kind).describe(stream) in page


def test_a_frame_that_is_no_image_is_told_in_one_line(tmp_path, monkeypatch):
  monkeypatch.setattr(f"{__name__}._stored", lambda stream: [b"no image"])
  data_dir = _write(tmp_path, STREAMS["flow"])
  with pytest.raises(cli.UserError, match="a frame of the stream 'seen' of 0 cannot be decoded; "):
    list(preview_clips.read(data_dir, metadata.load(data_dir), 10))
