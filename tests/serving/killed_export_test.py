"""Exports of a real network by processes that are killed, and by two at once.

One process imports TensorFlow, and forks the exporting ones before it uses it.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[2]
_KILLS = 4


def _export(info, base: str) -> None:
  """Exports the smallest network to be exported at all."""
  from official.serving import exporter

  images = tf.keras.Input([2, 8, 8, 3], name="rgb")
  logits = tf.keras.layers.Dense(len(info.classes))(tf.reduce_mean(images, [1, 2, 3]))
  model = tf.keras.Model({"rgb": images}, logits)
  exporter.export(model, base, info=info, clip=[], architectures=[{"blocks": []}], facts={})


def _forked(info, base: str) -> int:
  """Exports in a process of its own, and returns its number."""
  child = os.fork()
  if child:
    return child
  try:
    _export(info, base)
    os._exit(0)
  finally:
    os._exit(1)


def _finished(child: int) -> bool:
  return os.waitpid(child, 0)[1] == 0


def run(base: str, data: str) -> None:
  """Exports once, is killed at seeded moments of as long a time, and exports twice at once.

  Prints how many of the killed ones were killed in time, and of the two that ended well.
  """
  from data_prep.dataset import metadata

  info = metadata.load(data)
  start = time.monotonic()
  assert _finished(_forked(info, base))
  seconds = time.monotonic() - start
  killed = 0
  for moment in np.random.default_rng(0).uniform(0.2, 1.0, _KILLS):
    child = _forked(info, base)
    time.sleep(moment * seconds)
    os.kill(child, signal.SIGKILL)
    killed += not _finished(child)
  children = [_forked(info, base) for _ in range(2)]
  ended = [_finished(child) for child in children]
  print(json.dumps({"killed": killed, "ended": sum(ended)}))


@pytest.mark.slow
def test_every_version_is_whole(sample_dataset, tmp_path):
  base = tmp_path / "export"
  code = "import sys; from tests.serving import killed_export_test as k; k.run(*sys.argv[1:])"
  done = subprocess.run(
    [sys.executable, "-c", code, str(base), sample_dataset],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  said = json.loads(done.stdout.splitlines()[-1])
  assert said["ended"] == 2
  versions = sorted(path for path in base.iterdir() if path.name.isdecimal())
  assert len(versions) == 3 + _KILLS - said["killed"]
  assert all(path.name.startswith("writing-") for path in base.iterdir() if path not in versions)
  files = {path: sorted(p.relative_to(path) for p in path.rglob("*")) for path in versions}
  assert all(found == files[versions[0]] for found in files.values())
  for path in versions:
    predict = tf.saved_model.load(str(path)).signatures["serving_default"]
    answer = predict(frames=tf.zeros([1, 2, 9, 9, 3], tf.uint8))
    assert answer["probabilities"].numpy().sum() == pytest.approx(1, abs=1e-5)
