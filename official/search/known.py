"""The architectures that a search has proposed already: none is trained twice.

Every candidate counts, whatever became of it: finished, infeasible, failed, in flight, and the
founders of a refinement. Its digest (official/architecture/canonical.py) stands in candidate.json;
for a candidate that was recorded before there were digests it is computed.
"""

from collections.abc import Callable

from official.architecture import canonical
from official.architecture.architecture import Architecture
from official.runs import reading
from official.runs.run_directory import RunDirectory


class Known:
  """The digests of a search's candidates, read as far as they were asked for."""

  def __init__(self) -> None:
    self._digests: set[str] = set()
    self._read = 0

  def read(self, run: RunDirectory, count: int, num_frames: int) -> None:
    """Takes in candidates 0 to `count` - 1, those that it does not have yet.

    Args:
      run: Has their files.
      count: Candidates that there are.
      num_frames: Frames of a clip.
    """

    def digest(number: int) -> str:
      candidate = run.read_proposal(number)
      if candidate.digest is not None:
        return candidate.digest
      return canonical.digest(run.read_architecture(number), num_frames)

    self._digests.update(reading.each(digest, range(self._read, count)))
    self._read = max(self._read, count)

  def add(self, digest: str) -> None:
    """Takes in the next candidate's digest."""
    self._digests.add(digest)
    self._read += 1

  def lacks(self, num_frames: int) -> Callable[[Architecture], bool]:
    """Returns a function that says whether an architecture was not proposed yet."""

    def is_new(architecture: Architecture) -> bool:
      return canonical.digest(architecture, num_frames) not in self._digests

    return is_new
