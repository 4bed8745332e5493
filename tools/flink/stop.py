"""Ends the processes of the Flink cluster that tools.flink.start started on this machine.

    python -m tools.flink.stop

Jobs that run on it end, too; data_prep.extract resumes on the next cluster. The logs stay.
"""

from collections.abc import Sequence

from data_prep.common import cli
from tools.flink import cluster
from tools.flink import places
from tools.flink import processes


def main(arguments: Sequence[str]) -> None:
  """Ends what runs."""
  del arguments
  folder = places.folder()
  ended = processes.stop_all(folder)
  cluster.forget(folder)
  what = f"stopped {', '.join(ended)}" if ended else "nothing was running"
  print(f"{what}; the logs are in {folder}")


if __name__ == "__main__":
  cli.run(main)
