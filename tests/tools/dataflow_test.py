"""The request for a job on Dataflow, up to the point where it would be sent."""

import json
import pathlib

from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal import apiclient
import pytest

from data_prep.dataset import clip_examples
from data_prep.job import pipeline
from data_prep.job import shards


@pytest.fixture(scope="module")
def job(tmp_path_factory):
  """The job that would be asked for, with what would be uploaded in a local folder."""
  staging = str(tmp_path_factory.mktemp("staging"))
  options = pipeline.options_from(
    [
      "--runner=DataflowRunner",
      "--project=our-project",
      "--region=europe-west4",
      "--temp_location=gs://bucket/tmp",
      "--job_name=videos",
      "--sdk_container_image=our/image:1",
      "--sdk_location=container",
      "--no_auth",
      "--dry_run=true",
      "--number_of_worker_harness_threads=1",
      "--max_num_workers=50",
    ]
  )
  work = pipeline.WriteShard(
    "gs://bucket/data",
    clip_examples.Settings(fps=25, short_side=256),
    ["a", "b"],
    isolate_decoding=True,
    clip_timeout=0.0,
  )
  asked = pipeline.build("gs://bucket/data", shards.read_plan, work, options).run().job
  asked.google_cloud_options.staging_location = staging
  apiclient.DataflowApplicationClient(options, staging).create_job_description(asked)
  return asked, pathlib.Path(staging)


def test_the_request_names_the_image_and_the_limits_of_the_user(job):
  request = json.loads(str(job[0]))
  assert (request["name"], request["type"]) == ("videos", "JOB_TYPE_BATCH")
  pool = request["environment"]["workerPools"][0]
  assert pool["autoscalingSettings"]["maxNumWorkers"] == 50
  assert [image["containerImage"] for image in pool["sdkHarnessContainerImages"]] == ["our/image:1"]


def test_the_uploaded_pipeline_reads_the_plan_reshuffles_and_writes_shards(job):
  staged = beam_runner_api_pb2.Pipeline.FromString((job[1] / "pipeline.pb").read_bytes())
  names = {
    transform.unique_name.split("/")[0] for transform in staged.components.transforms.values()
  }
  assert {"Folder", "Plan", "Share", "Work"} <= names
  environments = [environment.payload for environment in staged.components.environments.values()]
  assert all(b"our/image:1" in payload for payload in environments) and environments


def test_nothing_but_the_pipeline_and_a_list_of_packages_would_be_uploaded(job):
  assert {path.name for path in job[1].iterdir()} == {
    "pipeline.pb",
    "submission_environment_dependencies.txt",
  }
