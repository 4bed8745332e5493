"""Data preparation on Spark, inside Beam's job server, by the command of docs/engines.md.

The job server's jar has to be there (mvn -q -f tools/spark/pom.xml package), and Java.
"""

import pathlib
import shutil

import engine_jobs
import pytest

# Maven gives its own small jar this name when it has made the one with Spark in it.
MADE = sorted((engine_jobs.ROOT / "tools" / "spark" / "target").glob("original-*.jar"))

pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(shutil.which("java") is None, reason="Java is missing, which runs Spark"),
  pytest.mark.skipif(
    not MADE, reason="Spark's jar is not there (mvn -q -f tools/spark/pom.xml package makes it)"
  ),
]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory) -> pathlib.Path:
  """A folder with a dataset `local`, made without Spark, and `spark`."""
  folder = tmp_path_factory.mktemp("spark")
  manifest = engine_jobs.clips(folder, every=12)
  command = ("-m", "data_prep.extract", f"--manifest={manifest}", *engine_jobs.FLAGS)
  jar = MADE[-1].with_name(MADE[-1].name.removeprefix("original-"))
  on_spark = (
    "--runner=SparkRunner",
    f"--spark_job_server_jar={jar}",
    "--spark_master_url=local[2]",
    "--environment_type=LOOPBACK",
  )
  mark = {engine_jobs.MARK: str(folder)}
  for name, options in (("local", ()), ("spark", on_spark)):
    done = engine_jobs.run(*command, f"--output_dir={folder / name}", *options, environment=mark)
    assert done.returncode == 0, done.stderr
  return folder


def test_the_bytes_are_those_of_a_run_without_spark(datasets):
  local, spark = (engine_jobs.content(datasets / name) for name in ("local", "spark"))
  assert len(local) > 10 and local == spark


def test_no_process_is_left(datasets):
  assert engine_jobs.processes(datasets) == {}
