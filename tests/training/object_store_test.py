"""Records in gs://, read by TensorFlow from a server on loopback, and what is refused."""

import json
import os
import pathlib
import subprocess
import sys

from absl import flags
import pytest
import tensorflow as tf

from data_prep.common import cli
from official.training import config
from official.training import flags as training_flags
from tests import gcs_server

ROOT = pathlib.Path(__file__).parents[2]
_READS = """
import json
from official.inputs import record_index
paths = ["gs://bucket/data/a.tfrecord", "gs://bucket/data/b.tfrecord"]
found = record_index.locate(paths, None)
print(json.dumps([record_index.read(paths[file], int(at)).decode() for file, at in found]))
"""


@pytest.mark.slow
def test_tensorflow_reads_the_records_of_a_bucket(tmp_path):
  with gcs_server.running(tmp_path) as store:
    for name, records in (("a", ["one", "two"]), ("b", ["three"])):
      path = tmp_path / f"{name}.tfrecord"
      with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
          writer.write(record.encode())
      store.put("bucket", f"data/{path.name}", path.read_bytes())
    ran = subprocess.run(
      [sys.executable, "-c", _READS],
      cwd=ROOT,
      env=os.environ | store.environment,
      capture_output=True,
      text=True,
      timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == ["one", "two", "three"]
    assert [target for _, target in store.requests if target.startswith("/bucket/")]


def test_data_that_tensorflow_cannot_open_is_refused():
  given = flags.FlagValues()
  training_flags.define(config.TRAIN, into=given)
  given(["train", "--data_dir=s3://bucket/data"])
  with pytest.raises(cli.UserError, match="TensorFlow has no file system for s3://; copy the data"):
    training_flags.read(config.TRAIN, given=given)


def test_a_run_behind_a_url_is_refused():
  with pytest.raises(
    cli.UserError, match="--model_dir=gs://bucket/run is a URL, .*; give a folder"
  ):
    training_flags.run_directory("gs://bucket/run")
