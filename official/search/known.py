"""Which architectures a search has proposed already: none is trained twice.

Every candidate counts, whatever became of it: finished, infeasible, failed, in flight, and the
founders of a refinement. Its digest (official/architecture/canonical.py) stands in candidate.json;
where a run is older than that, or was made with another number of frames, it is computed.
"""

from collections.abc import Mapping
from typing import Any

from official.architecture import canonical
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.search.run_directory import RunDirectory


class Known:
  """The digests of a search's candidates, read as far as they were asked for."""

  def __init__(self):
    self._digests: set[str] = set()
    self._read = 0

  def read(self, run: RunDirectory, count: int, num_frames: int) -> None:
    """Takes in candidates 0 to `count` - 1.

    Args:
      run: Has their files.
      count: Candidates that there are.
      num_frames: Frames of a clip.
    """
    for number in range(self._read, count):
      self.add(run.read_candidate(number), num_frames)

  def add(self, candidate: Mapping[str, Any], num_frames: int) -> None:
    """Takes in the next candidate, the content of its candidate.json."""
    self._digests.add(candidate.get("digest") or canonical.digest(
        serialization.from_json(candidate["architecture"]), num_frames))
    self._read += 1

  def has(self, digest: str) -> bool:
    """Whether an architecture of that digest was proposed."""
    return digest in self._digests

  def __len__(self) -> int:
    return len(self._digests)


def is_new(known: Known, num_frames: int):
  """Returns a function that tells whether an architecture is none of those that are known."""
  def new(architecture: Architecture) -> bool:
    return not known.has(canonical.digest(architecture, num_frames))
  return new
