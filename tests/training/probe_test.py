"""Probes on the real trainer, of a small network on sample videos."""

import concurrent.futures
import json
import multiprocessing
import os

import pytest
import tensorflow as tf

from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import clip_task
from official.training import config
from official.training import probe

pytestmark = pytest.mark.slow

_ARCHITECTURE = Architecture(
  (
    Block(id="rgb_0", kind="stem_2plus1d", streams=("rgb",), level=0, channels=8, spatial_stride=2),
    Block(id="level1_0", kind="basic_2plus1d", level=1, channels=16, spatial_stride=2),
  ),
  (Connection("rgb_0", "level1_0"),),
)
_CANDIDATE = {"number": 0, "seed": 1, "architecture": serialization.to_json(_ARCHITECTURE)}


@pytest.fixture(scope="module")
def make_probe(sample_dataset, tmp_path_factory):
  cache = str(tmp_path_factory.mktemp("cache"))

  def make(batch_size: int, **changes) -> probe.Probe:
    training = config.of(
      data_dir=sample_dataset,
      cache_dir=cache,
      num_frames=8,
      image_size=32,
      train_steps=200,
      batch_size=batch_size,
      learning_rate=0.05,
      checkpoint_steps=10,
    )
    return probe.Probe(setup=training, steps=3, **changes)

  return make


@pytest.fixture(scope="module")
def probed(make_probe, tmp_path_factory):
  """The result for a batch of 64 from a process of its own, and the folder."""
  folder = tmp_path_factory.mktemp("probed")
  with concurrent.futures.ProcessPoolExecutor(
    max_workers=1, mp_context=multiprocessing.get_context("spawn")
  ) as pool:
    return pool.submit(make_probe(64), _CANDIDATE, str(folder)).result(), folder


def test_says_what_the_network_costs(probed, sample_dataset):
  result, _ = probed
  info = metadata.load(sample_dataset)
  clip = cost.Clip(
    streams={name: stream.channels for name, stream in info.streams.items()},
    num_frames=8,
    height=32,
    width=32,
    num_classes=len(info.classes),
  )
  assert result["params"] == cost.parameters(_ARCHITECTURE, clip.streams, clip.num_classes)
  assert result["flops"] == cost.flops(_ARCHITECTURE, clip)


def test_measures_time_and_is_feasible(probed):
  result, _ = probed
  assert (result["status"], result["reason"]) == ("ok", None)
  assert 0 < result["seconds_a_step"] < result["seconds_to_first_step"]
  assert result["seconds_to_evaluate"] > 0


def test_a_result_is_plain_data(probed):
  result, _ = probed
  assert json.loads(json.dumps(result)) == result


def test_keeps_nothing_of_the_training(probed):
  _, folder = probed
  assert set(os.listdir(folder)) <= {"progress.json", "log.txt"}


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="peaks are Linux's")
def test_a_clip_takes_more_memory_than_it_is_large(probed, sample_dataset):
  result, _ = probed
  values = 8 * 32 * 32 * metadata.load(sample_dataset).streams["rgb"].channels
  assert 4 * values < result["memory_bytes_a_clip"] < result["memory_bytes"] / 48
  assert result["batch_that_fits"] >= 64


def test_tells_no_memory_of_a_second_network_in_a_process(make_probe, tmp_path):
  for folder in ("first", "second"):
    (tmp_path / folder).mkdir()
    result = make_probe(4)(_CANDIDATE, str(tmp_path / folder))
  assert (result["status"], result["memory_bytes"], result["batch_that_fits"]) == ("ok", None, None)


def test_what_is_known_before_memory_ends_is_told(make_probe, tmp_path, monkeypatch):
  def runs_out(task, inputs, model, optimizer, metrics=None):
    if next(iter(inputs[0].values())).shape[0] > 4:
      raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nand a trace")
    return train_step(task, inputs, model, optimizer, metrics)

  train_step = clip_task.ClipTask.train_step
  monkeypatch.setattr(clip_task.ClipTask, "train_step", runs_out)
  result = make_probe(16)(_CANDIDATE, str(tmp_path))
  assert result["status"] == "infeasible"
  assert result["reason"].startswith("out of memory: ")
  assert result["batch_that_fits"] == 4
  assert result["params"] is not None
  assert result["seconds_a_step"] is None


def test_a_batch_of_one_clip_has_no_line(make_probe, tmp_path):
  result = make_probe(1)(_CANDIDATE, str(tmp_path))
  assert result["status"] == "ok"
  assert result["memory_bytes_a_clip"] is None


def test_the_batch_is_where_the_line_meets_what_is_there():
  """100 bytes and 10 a clip: 50 clips take 600."""
  assert probe.fit({4: 140, 16: 260}, 600) == {"memory_bytes_a_clip": 10, "batch_that_fits": 32}
  assert probe.fit({4: 140, 16: 260}, 740) == {"memory_bytes_a_clip": 10, "batch_that_fits": 64}


@pytest.mark.parametrize("available", [50, 105])
def test_no_batch_fits_into_too_little(available):
  assert probe.fit({4: 140, 16: 260}, available)["batch_that_fits"] == 0


@pytest.mark.parametrize("peaks", [{16: 260}, {4: None, 16: 260}, {4: 260, 16: 260}])
def test_no_line_through_less_than_two_peaks(peaks):
  assert probe.fit(peaks, 600) == {"memory_bytes_a_clip": None, "batch_that_fits": None}


def test_a_line_without_a_bound_tells_no_batch():
  assert probe.fit({4: 140, 16: 260}, None) == {"memory_bytes_a_clip": 10, "batch_that_fits": None}
