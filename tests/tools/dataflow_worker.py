"""A worker of the stand-in for Dataflow: runs a pipeline that was staged.

python -m tests.tools.dataflow_worker gs://bucket/staging/pipeline.pb
"""

import sys

from data_prep.common import files
from data_prep.common.quiet_beam import pipeline_options

from apache_beam.portability.api import beam_runner_api_pb2  # isort: skip  After quiet_beam.
from apache_beam.runners.portability.fn_api_runner import fn_runner  # isort: skip


def main(url: str) -> None:
  """Runs the pipeline in this process, where its container would be."""
  pipeline = beam_runner_api_pb2.Pipeline.FromString(files.read_bytes(url))
  for environment in pipeline.components.environments.values():
    environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
    del environment.dependencies[:]
  options = pipeline_options.PipelineOptions(["--direct_num_workers=1"])
  fn_runner.FnApiRunner().run_via_runner_api(pipeline, options)


if __name__ == "__main__":
  main(sys.argv[1])
