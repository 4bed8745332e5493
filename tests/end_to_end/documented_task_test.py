"""The task of docs/extending.md, which learns a number per clip, from a folder outside the tree."""

import csv
import dataclasses
import importlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import metadata
from official.serving import saved_model
from official.serving import verification
from official.tasks import registry
from official.training import config

ROOT = pathlib.Path(__file__).parents[2]
_BLOCKS = re.findall(
  r"^```python\n# ideas/(rating/\w+\.py)\n(.*?)^```",
  (ROOT / "docs/extending.md").read_text(encoding="utf-8"),
  re.MULTILINE | re.DOTALL,
)


@pytest.fixture(scope="module")
def ideas(tmp_path_factory) -> pathlib.Path:
  """A folder that holds the task as it is documented."""
  folder = tmp_path_factory.mktemp("ideas")
  (folder / "rating").mkdir()
  for name, code in _BLOCKS:
    (folder / name).write_text(code, encoding="utf-8")
  return folder


@pytest.fixture(scope="module")
def spec(ideas):
  """The task, registered for as long as it takes."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(registry, "_TASKS", dict(registry._TASKS))
    patch.syspath_prepend(str(ideas))
    yield importlib.import_module("rating.spec").SPEC
  for name in [name for name in sys.modules if name.split(".")[0] == "rating"]:
    del sys.modules[name]


@pytest.fixture(scope="module")
def rated(sample_dataset, tmp_path_factory) -> str:
  """The clips of `sample_dataset` with numbers for the names of their classes."""
  folder = str(tmp_path_factory.mktemp("rated") / "dataset")
  shutil.copytree(sample_dataset, folder)
  info = metadata.load(folder)
  numbers = tuple(f"{index / 2}" for index, _ in enumerate(info.classes))
  metadata.save(dataclasses.replace(info, classes=numbers), folder)
  return folder


def test_the_number_of_a_clip_is_the_text_of_its_label(spec, rated):
  info = metadata.load(rated)
  learning = spec.learning()(spec, config.checked_task(config.of(task="rating"), info).output(info))
  labels = {"label": tf.constant([3, 0, 1]), "weight": tf.constant([1.0, 1.0, 0.0])}
  outputs = tf.constant([[1.0], [2.0], [99.0]])
  np.testing.assert_array_equal(learning.targets(labels, outputs), [[1.5], [0.0], [0.5]])
  np.testing.assert_allclose(learning.losses(labels, outputs)[:2], [0.25, 4.0])
  metrics = learning.metrics(training=False)
  learning.update(metrics, labels, outputs)
  found = {metric.name: float(metric.result()) for metric in metrics}
  assert found == {"absolute_error": 1.25, "loss": 2.125}
  one, other = tf.constant([[1.0]]), tf.constant([[2.0]])
  np.testing.assert_allclose(learning.join_views(tf.concat([one, other], axis=0), 2), [[1.5]])
  np.testing.assert_allclose(learning.join_networks([one, other]), [[1.5]])


def test_a_label_that_is_no_number_and_what_is_for_classes_are_refused(spec, sample_dataset, rated):
  info = metadata.load(sample_dataset)
  with pytest.raises(cli.UserError, match="^`task`=rating, and data has the label '.*', which is "):
    spec.check(info, "data")
  for name, given in (("label_smoothing", 0.1), ("class_weights", "balanced")):
    training = config.of(data_dir=rated, task="rating", **{name: given})
    with pytest.raises(cli.UserError, match=f"^`{name}`={given} is for tasks of labels, and the "):
      config.resolved(training, metadata.load(rated), "run")


def _run(ideas: pathlib.Path, *command: str) -> str:
  done = subprocess.run(
    [sys.executable, "-m", *command, "--import=rating.spec"],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ideas)))},
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0 and "none of the network's" not in done.stderr, done.stderr
  return done.stdout


@pytest.mark.slow
def test_it_is_trained_exported_verified_and_asked(spec, ideas, rated, sample_dataset, tmp_path):
  _run(
    ideas,
    "official.train",
    "--task=rating",
    "--architecture=hand-made:rgb-alone:5000",
    f"--data_dir={rated}",
    f"--model_dir={tmp_path}/run",
    "--optimizer=adamw",
    "--learning_rate=0.005",
    "--train_steps=4",
    "--batch_size=4",
    "--num_frames=4",
    "--image_size=32",
  )
  result = json.loads((tmp_path / "run/result.json").read_text())
  assert set(result["metrics"]["test"]) == {"absolute_error", "loss"}
  version = saved_model.Version(f"{tmp_path}/run/export/1")
  assert (version.spec, version.classes) == (spec, ["rating"])
  assert [finding for finding in verification.verify(version) if not finding.ok] == []
  videos = pathlib.Path(sample_dataset).parent / "videos"
  with open(videos / "manifest.csv", encoding="utf-8", newline="") as file:
    listed = [row for row in csv.DictReader(file) if row["split"] == "test"][:2]
  lines = [f"{videos / row['path']},2.5,test\n" for row in listed]
  (tmp_path / "few.csv").write_text("".join(["path,label,split\n", *lines]))
  told = _run(
    ideas,
    "official.predict",
    f"--saved_model={version.path}",
    f"--manifest={tmp_path}/few.csv",
    f"--output={tmp_path}/ratings.csv",
  )
  with open(tmp_path / "ratings.csv", encoding="utf-8", newline="") as file:
    ratings = [float(row["rating"]) for row in csv.DictReader(file)]
  error = np.mean([abs(rating - 2.5) for rating in ratings])
  assert told == f"mean absolute error: {error:.3f} (2 answers)\n"
