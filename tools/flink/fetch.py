"""Fetches the jars of Flink and of Beam's job server, as the first start of a cluster does.

    python -m tools.flink.fetch

Flink comes from PyPI with its hash (flink.lock), the job server from Maven Central (pom.xml).
"""

from collections.abc import Sequence

from data_prep.common import cli
from tools.flink import jars
from tools.flink import java
from tools.flink import places


def main(arguments: Sequence[str]) -> None:
  """Fetches what is missing, and says where it is."""
  del arguments
  java.find()
  there = jars.fetch(places.cache())
  print(f"Flink {jars.FLINK_VERSION} is in {there.lib}, Beam's job server in {there.job_server}")


if __name__ == "__main__":
  cli.run(main)
