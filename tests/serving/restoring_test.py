"""A network that restores frames, exported, and asked about whole videos."""

import csv
import dataclasses
from fractions import Fraction
import json
import os
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import degradation
from official import network
from official.architecture import dense_cost
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.inputs.stream_tensors import flow as flow_tensors
from official.programs import frame_answers
from official.programs import video_answers
from official.serving import answers
from official.serving import exporter
from official.serving import frame_files
from official.serving import restoring
from official.serving import saved_model
from official.serving import verification
from official.tasks import registry
from official.tasks.restoration import answer

_DEGRADE = "bicubic:2"
_ARCHITECTURE = Architecture(
  (
    Block(id="rgb", level=0, kind="stem_fine", streams=("rgb",), channels=4, spatial_stride=1),
    Block(id="a", level=1, kind="basic_2plus1d", channels=4),
  ),
  (Connection("rgb", "a"),),
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
  """A texture that moves, 10 frames of 42x51, as a lossless video."""
  noise = np.random.default_rng(0).uniform(0, 255, (42, 51, 3)).astype(np.float32)
  image = np.clip(4 * (cv2.GaussianBlur(noise, (0, 0), 2) - 127) + 127, 0, 255).astype(np.uint8)
  frames = np.stack([np.roll(image, (k, 2 * k), (0, 1)) for k in range(10)])
  path = str(tmp_path_factory.mktemp("video") / "clip")
  with frame_files.FrameFile(path, rate=Fraction(10)) as file:
    for frame in frames:
      file.write(frame)
  return file.path, frames


def _exported(info, architecture: Architecture, folder: str, **more) -> saved_model.Version:
  """Returns an export for clips of 4 frames of 16x16, whose residual is not zero."""
  tf.keras.utils.set_random_seed(0)
  model = network.build_network(
    architecture,
    streams={"rgb": 3, "flow": 2},
    num_frames=4,
    height=16,
    width=16,
    dense=dense_cost.Dense(channels=3, scale=2),
  )
  model.get_layer("head").last_bias.assign(np.linspace(-0.02, 0.02, 12))
  frames = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
  path = exporter.export(
    model,
    folder,
    info=info,
    task=registry.get("restoration"),
    degrade=_DEGRADE,
    clip=[cv2.imencode(".png", frame)[1].tobytes() for frame in frames],
    architectures=[serialization.to_json(architecture)],
    facts={},
    **more,
  )
  return saved_model.Version(path)


@pytest.fixture(scope="module")
def restorer(info, tmp_path_factory):
  return _exported(info, _ARCHITECTURE, str(tmp_path_factory.mktemp("export")))


@pytest.fixture(scope="module")
def restorer_by_flow(info, tmp_path_factory):
  """One of two streams, which was taught with flow of degraded frames."""
  flow = dataclasses.replace(_ARCHITECTURE.blocks[0], id="flow", streams=("flow",))
  both = Architecture(
    (*_ARCHITECTURE.blocks, flow), (*_ARCHITECTURE.connections, Connection("flow", "a"))
  )
  folder = str(tmp_path_factory.mktemp("export_by_flow"))
  return _exported(info, both, folder, flow="in_graph")


def _decoded(path: str) -> np.ndarray:
  timed = decoding.frames(path, clock=decoding.CLOCKS[0])
  return np.stack([decoding.upright_rgb(frame) for _, frame in timed])


def _question(path: str) -> answers.Question:
  return answers.Question(id=path, path=path)


@pytest.mark.parametrize("name", ["restorer", "restorer_by_flow"])
def test_the_export_passes_verification(name, request):
  version = request.getfixturevalue(name)
  wrong = [finding for finding in verification.verify(version) if not finding.ok]
  assert wrong == []


def test_flow_is_that_of_the_frames_that_are_sent(restorer_by_flow, video):
  loaded = saved_model.load_for_frames(restorer_by_flow)
  frames = video[1][np.newaxis, :4, :16, :16]
  flow = flow_tensors.dataset_flow(tf.constant(frames), 20.0)
  assert tf.reduce_max(tf.abs(flow)) > 1
  streams = {"rgb": tf.constant(frames, tf.float32) / 127.5 - 1, "flow": flow}
  of_frames = loaded.signatures["serving_default"](frames=tf.constant(frames))["frames"]
  of_streams = loaded.signatures["streams"](**streams)["frames"]
  np.testing.assert_allclose(of_frames, of_streams, atol=1)
  without = loaded.signatures["streams"](**streams | {"flow": -flow})["frames"]
  assert np.abs(without.numpy().astype(int) - of_streams).max() > 1


def test_a_whole_video_goes_through_a_network_of_two_streams(restorer_by_flow, video, tmp_path):
  found = restoring.Restorer(restorer_by_flow.path, restoring.Manner())(
    video[0], str(tmp_path / "out")
  )
  assert (found.frames, found.height, found.width) == (10, 84, 102)


def test_a_video_of_any_size_is_enlarged_without_seams(restorer, video, tmp_path):
  path, frames = video
  made = restoring.Restorer(restorer.path, restoring.Manner())
  found = made(path, str(tmp_path / "out"))
  assert (found.frames, found.height, found.width) == (10, 84, 102)
  large = answer.resized(tf.constant(frames), 2).numpy()
  bias = np.linspace(-0.02, 0.02, 12).reshape(2, 2, 3)
  wanted = np.clip((large + np.tile(bias, (42, 51, 1))) * 255, 0, 255)
  difference = np.abs(_decoded(found.path) - wanted)[:, 6:-6, 6:-6]
  assert difference.max() <= 1.01


def test_a_clean_video_is_made_worse_and_compared(restorer, video, tmp_path):
  path, frames = video
  status = frame_answers.answer(
    restorer,
    [_question(path), _question("/nowhere.mp4")],
    str(tmp_path / "out"),
    restoring.Manner(clean=True, codec=None),
  )
  assert status == 0
  with open(tmp_path / "out" / "metrics.csv", encoding="utf-8") as file:
    row, failed = csv.DictReader(file)
  truth = frames[:, :, :50]
  seen = degradation.parse(_DEGRADE).apply(truth)
  large = np.rint(np.clip(answer.resized(tf.constant(seen), 2).numpy(), 0, 1) * 255)
  assert float(row["input_psnr"]) == pytest.approx(
    10 * np.log10(255**2 / np.square(large - truth).mean()), abs=0.01
  )
  assert (row["frames"], row["height"], row["width"]) == ("10", "42", "50")
  pictures = sorted(os.listdir(tmp_path / "out" / "clip"))
  shown = [cv2.imread(str(tmp_path / "out" / "clip" / one))[..., ::-1] for one in pictures]
  error = np.square(np.stack(shown).astype(float) - truth).mean()
  assert float(row["psnr"]) == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
  assert failed["error"] and not failed["output"]


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("degrade", ["drop:2", "jpeg:10", "bicubic:2+drop:2"])
def test_frames_are_made_worse_one_by_one_as_all_at_once(video, count, degrade):
  chain, frames = degradation.parse(degrade), video[1][:count, :40, :48]
  np.testing.assert_array_equal(list(restoring.degraded(iter(frames), chain)), chain.apply(frames))


def test_clean_videos_are_not_coded_here(restorer, tmp_path):
  path = shutil.copytree(restorer.path, tmp_path / "1")
  task = {"task": "restoration", "degrade": "stream:degraded"}
  (path / "assets" / "task.json").write_text(json.dumps(task))
  with pytest.raises(cli.UserError, match="`clean` cannot code videos; give coded videos without"):
    restoring.Restorer(str(path), restoring.Manner(clean=True))


def test_a_missing_frame_is_the_mean_of_its_neighbours():
  frames = [np.full([1, 1, 3], level, np.uint8) for level in (10, 21, 255)]
  assert [int(one[0, 0, 0]) for one in restoring.between(frames)] == [10, 16, 21, 138, 255]


def test_a_folder_that_holds_something_is_refused(restorer, video, tmp_path):
  (tmp_path / "something").touch()
  with pytest.raises(cli.UserError, match="is not empty; give another folder"):
    frame_answers.answer(restorer, [_question(video[0])], str(tmp_path), restoring.Manner())


def test_an_overlap_of_a_whole_window_is_refused(restorer, video, tmp_path):
  with pytest.raises(cli.UserError, match="`overlap`=1 is no share"):
    frame_answers.answer(
      restorer, [_question(video[0])], str(tmp_path / "out"), restoring.Manner(overlap=1)
    )


def test_the_front_door_returns_what_is_written(restorer, video, tmp_path):
  path, _ = video
  found, failed = video_answers.ask(restorer.path, [path, "/nowhere.mp4"])
  written = restoring.Restorer(restorer.path, restoring.Manner())(path, str(tmp_path / "out"))
  np.testing.assert_array_equal(found.frames, _decoded(written.path))
  assert (found.error, found.masks, failed.frames) == ("", None, None)
  assert failed.error


def test_a_picture_has_input_output_and_truth(restorer, video, tmp_path, capsys):
  path, _ = video
  drawn = str(tmp_path / "new" / "seen.png")
  manner = restoring.Manner(clean=True)
  status = frame_answers.answer(
    restorer, [_question(path)], str(tmp_path / "out"), manner, picture=drawn
  )
  assert status == 0
  assert cv2.imread(drawn).ndim == 3
  told = capsys.readouterr().err
  with open(tmp_path / "out" / "metrics.csv", encoding="utf-8") as file:
    [row] = csv.DictReader(file)
  assert (
    f"mean over 1 video: input {float(row['input_psnr']):.2f} dB, "
    f"output {float(row['psnr']):.2f} dB" in told
  )
  assert drawn in told


def test_a_frame_is_kept_only_for_a_picture(restorer, video, tmp_path):
  path, frames = video
  made = restoring.Restorer(restorer.path, restoring.Manner(clean=True))
  assert made(path, str(tmp_path / "a")).example is None
  made = restoring.Restorer(restorer.path, restoring.Manner(clean=True, compare=True))
  found = made(path, str(tmp_path / "b"))
  assert found.example.title == f"{'/'.join(path.split('/')[-2:])}, frame 3"
  before, after, truth = found.example.panels
  assert (before, after, truth) == (
    f"input {found.input_psnr:.2f} dB",
    f"output {found.psnr:.2f} dB",
    "truth",
  )
  np.testing.assert_array_equal(found.example.panels[truth], frames[3, :, :50])


def test_a_picture_that_is_no_png_is_refused(restorer, video, tmp_path):
  with pytest.raises(cli.UserError, match="`compare`=seen.jpg is written as PNG; give a name"):
    frame_answers.answer(
      restorer,
      [_question(video[0])],
      str(tmp_path / "out"),
      restoring.Manner(),
      picture="seen.jpg",
    )
