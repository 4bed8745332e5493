"""Frames to be restored from a stream of coded ones."""

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import coded_frames
from data_prep.dataset import degradation
from data_prep.dataset import metadata
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.job import preparation
from official.inputs import clip_store
from official.inputs import clips
from official.inputs import flow_source
from official.inputs import targets
from official.inputs import views
from tests import clips_with_streams

SIDE = 40


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  """Two clips of noise, which coding changes much."""
  folder = tmp_path_factory.mktemp("coded")
  for index in range(2):
    noise = np.random.default_rng(index).integers(0, 256, (4, SIDE // 4, SIDE // 4, 3), np.uint8)
    frames = noise.repeat(4, 1).repeat(4, 2)
    clips_with_streams.write_video(folder / f"{index}.mkv", frames)
  (folder / "m.csv").write_text("path,label,split\n0.mkv,a,train\n1.mkv,b,train\n")
  preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, short_side=SIDE, flow="none", degrade="h264:40"),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return str(folder / "data")


def _store(data_dir, tmp_path):
  return clip_store.open_store(data_dir, "train", image_size=SIDE, cache_dir=str(tmp_path))


@pytest.mark.parametrize("text, scale", [("stream:degraded", 1), ("stream:degraded+bicubic:2", 2)])
def test_the_network_reads_the_coded_frames_and_the_loss_the_others(
  data_dir, tmp_path, text, scale
):
  store, chain = _store(data_dir, tmp_path), degradation.parse(text)
  made = clips.evaluation_clips(
    store,
    ["rgb"],
    num_frames=4,
    image_size=32,
    global_batch_size=2,
    target=targets.Frames(chain),
  )
  streams, labels = next(iter(made))
  assert sorted(streams) == ["rgb"] and {"frames", "input"} <= set(labels)
  np.testing.assert_array_equal(streams["rgb"], labels["input"])
  assert streams["rgb"].shape == (2, 1, 4, 32 // scale, 32 // scale, 3)
  for clip, video in enumerate(store.videos):
    coded, own = (
      np.stack(list(video.read(name, range(video.frames)))) for name in (coded_frames.NAME, "rgb")
    )
    assert np.abs(coded.astype(int) - own).mean() > 5
    middle = np.s_[:, 4:36, 4:36]
    np.testing.assert_array_equal(labels["frames"][clip, 0], own[middle])
    np.testing.assert_array_equal(labels["input"][clip, 0], chain.apply(coded[middle]))


@pytest.mark.parametrize("text", ["stream:degraded", "bicubic:2"])
def test_flow_is_that_of_what_the_network_reads(data_dir, tmp_path, text):
  computed = flow_source.computed(flow_source.streams(metadata.load(data_dir), "in_graph"))
  made = clips.training_clips(
    _store(data_dir, tmp_path),
    ["flow", "rgb"],
    num_frames=3,
    image_size=32,
    global_batch_size=2,
    seed=0,
    augmentation=views.Augmentation(),
    target=targets.Frames(degradation.parse(text), computed),
  )
  streams, labels = next(iter(made))
  assert sorted(streams) == ["flow", "rgb"]
  bound = computed["flow"].bound
  for clip, flow in zip(labels["input"].numpy(), streams["flow"].numpy(), strict=True):
    pairs = np.stack([clip[:-1], clip[1:]], axis=1)
    wanted = flow_kind.to_pixels(flow_source.compute(pairs, bound), bound)
    np.testing.assert_allclose(flow[:-1], wanted, atol=1e-6)
    np.testing.assert_array_equal(flow[-1], flow[-2])
  assert np.abs(streams["flow"]).max() > 0.5


def test_stored_flow_of_good_frames_is_refused(data_dir, tmp_path):
  with pytest.raises(cli.UserError, match="^the network reads the stream flow, which was computed"):
    targets.Frames(degradation.parse("bicubic:2")).check(
      _store(data_dir, tmp_path), ["flow", "rgb"], 32
    )


def test_both_are_cut_and_mirrored_alike(data_dir, tmp_path):
  made = clips.training_clips(
    _store(data_dir, tmp_path),
    ["rgb"],
    num_frames=2,
    image_size=24,
    global_batch_size=8,
    seed=0,
    augmentation=views.Augmentation(horizontal_flip=True),
    target=targets.Frames(degradation.parse("stream:degraded")),
  )
  labels = next(iter(made))[1]
  coded, own = (labels[name].numpy().astype(int) for name in ("input", "frames"))
  assert np.abs(coded - own).mean() < 0.6 * np.abs(coded[..., ::-1, :] - own).mean()
