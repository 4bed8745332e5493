"""Set-up of the whole suite."""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

import hypothesis
import numpy as np
import pytest

from data_prep.dataset import mask_files
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo

ROOT = pathlib.Path(__file__).parents[1]
_ENVIRONMENT = dict(os.environ)

# The same examples in every run, and no folder of earlier failures: a failing test fails again.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def environment():
  """Leaves no environment variable behind: an executor limits the threads of its process by them,
  and processes of later tests would compute other bits than this one."""
  yield
  ours = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
  os.environ.clear()
  os.environ.update({**_ENVIRONMENT, **ours})


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
  """The real recordings beside the checkout."""
  folder = ROOT.parent / "shared" / "data"
  if not folder.is_dir():
    pytest.skip(f"the test data {folder} is not there")
  return folder


@pytest.fixture(scope="session")
def sample_dataset(tmp_path_factory) -> str:
  """A dataset folder with 7 clips of each of 6 classes, made by the real commands."""
  folder = tmp_path_factory.mktemp("sample")
  for command in (
    [
      str(ROOT / "tools/make_sample_videos.py"),
      f"--output_dir={folder}/videos",
      "--clips_per_class=7",
      "--difficulty=easy",
    ],
    [
      "-m",
      "data_prep.extract",
      f"--manifest={folder}/videos/manifest.csv",
      f"--output_dir={folder}/dataset",
      "--fps=10",
      "--short_side=40",
    ],
  ):
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
  return str(folder / "dataset")


def _change_clips(folder: str, change) -> None:
  """Calls `change(context, feature lists)` for each clip of a dataset, and writes them back."""
  for split in metadata.SPLITS:
    for path in metadata.shard_paths(folder, split):
      with open(path, "rb") as file:
        clips = [records.parse(record) for record in records.read_records(file)]
      with open(path, "wb") as file:
        for context, lists in clips:
          change(context, lists)
          records.write_record(file, records.sequence_example(context, lists))


@pytest.fixture(scope="session")
def two_label_dataset(sample_dataset, tmp_path_factory) -> str:
  """The clips of `sample_dataset`, each with its class and the next one."""
  folder = str(tmp_path_factory.mktemp("two_labels") / "dataset")
  shutil.copytree(sample_dataset, folder)
  info = metadata.to_json(metadata.load(folder))

  def change(context, lists) -> None:
    (label,) = context["clip/label/index"]
    context["clip/label/index"] = [label, (label + 1) % len(info["classes"])]

  _change_clips(folder, change)
  metadata.save(metadata.from_json(info | {"multi_label": True}), folder)
  return folder


@pytest.fixture(scope="session")
def unlabelled_dataset(sample_dataset, tmp_path_factory) -> str:
  """The clips of `sample_dataset`, as a manifest without the column `label` gives them."""
  folder = str(tmp_path_factory.mktemp("unlabelled") / "dataset")
  shutil.copytree(sample_dataset, folder)
  for split in metadata.SPLITS:
    for path in metadata.shard_paths(folder, split):
      with open(path, "rb") as file:
        clips = [records.parse(record) for record in records.read_records(file)]
      with open(path, "wb") as file:
        for context, lists in clips:
          kept = {key: values for key, values in context.items() if "/label/" not in key}
          records.write_record(file, records.sequence_example(kept, lists))
  info = metadata.load(folder)
  counts = dict.fromkeys(metadata.SPLITS, ())
  metadata.save(dataclasses.replace(info, classes=(), class_clips=counts), folder)
  return folder


@pytest.fixture(scope="session")
def mask_dataset(sample_dataset, tmp_path_factory) -> str:
  """The clips of `sample_dataset` with masks: 1 where a frame is bright, 0 where it is dark."""
  folder = str(tmp_path_factory.mktemp("masks") / "dataset")
  shutil.copytree(sample_dataset, folder)
  masks = StreamInfo(
    kind="mask", channels=1, feature=mask_files.FEATURE, format="png", classes=("dark", "bright")
  )
  kind = stream_kinds.get(masks.kind)

  def change(context, lists) -> None:
    frames = (stored_images.decode(data, grey=True) for (data,) in lists["image/encoded"])
    lists[masks.feature] = [
      [kind.encode((frame > 127).astype(np.uint8), masks)] for frame in frames
    ]

  _change_clips(folder, change)
  info = metadata.load(folder)
  metadata.save(dataclasses.replace(info, streams={**info.streams, "mask": masks}), folder)
  return folder


@pytest.fixture(scope="session")
def rgb_dataset(sample_dataset) -> str:
  """The same clips prepared without flow."""
  folder = pathlib.Path(sample_dataset).parent
  command = [
    "-m",
    "data_prep.extract",
    f"--manifest={folder}/videos/manifest.csv",
    f"--output_dir={folder}/rgb",
    "--fps=10",
    "--short_side=40",
    "--flow=none",
  ]
  subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
  return str(folder / "rgb")
