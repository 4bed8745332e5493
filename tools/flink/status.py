"""Shows the Flink cluster that tools.flink.start started on this machine.

    python -m tools.flink.status

A line per process, and what Flink says of its TaskManagers and jobs. The exit status is 1 if a
process has died; `python -m tools.flink.start` replaces it.
"""

from collections.abc import Sequence

from data_prep.common import cli
from tools.flink import cluster
from tools.flink import overview
from tools.flink import places
from tools.flink import processes


def main(arguments: Sequence[str]) -> int:
  """Prints the state of the cluster."""
  del arguments
  folder = places.folder()
  settings = cluster.load(folder)
  if not settings:
    raise cli.UserError(f"no cluster was started in {folder}; python -m tools.flink.start does it")
  there = processes.read(folder)
  for process in there:
    state = "runs" if process.alive else "has died"
    print(
      f"{process.name:<14} {state:<9} process {process.pid}  {processes.log(folder, process.name)}"
    )
  print(overview.line(settings.page))
  return 0 if all(process.alive for process in there) else 1


if __name__ == "__main__":
  cli.run(main)
