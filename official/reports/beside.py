"""Hand-made networks that were trained on the same data, to compare the winner with.

`python -m tools.compare_with_hand_made --output_dir=COMPARED` trains them. They are found where
COMPARED is the folder `compared` in the run directory or beside it, as tools/demo.sh makes it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from data_prep.common import cli
from official.reports import facts
from official.runs import final_training
from official.runs import json_files
from official.runs import record_files
from official.runs.final_records import FinalResult
from official.runs.records import RunFlags

_FOLDERS = ("compared", "../compared")
_BEGIN = "hand_made_"


class HandMade(NamedTuple):
  """A hand-made network: its name, such as `fully-connected`, and what its training came to."""

  name: str
  result: FinalResult


def hand_made(run: facts.Run) -> list[HandMade]:
  """Returns the hand-made networks that were trained on the data of a search, by name."""
  return sorted(_found(run), key=lambda each: each.name)


def _found(run: facts.Run) -> Iterator[HandMade]:
  for folder in _FOLDERS:
    compared = json_files.join(run.folder, folder)
    for name in json_files.names(compared):
      if not name.startswith(_BEGIN):
        continue
      path = json_files.join(compared, name)
      try:
        recorded = record_files.read(json_files.join(path, "train.json"), RunFlags)
        result = final_training.read_result(path)
      except (cli.UserError, OSError):
        continue
      same = recorded and recorded.identity.get("data_dir") == run.recorded.identity.get("data_dir")
      if same and result:
        yield HandMade(name.removeprefix(_BEGIN).rpartition("_")[0] or name, result)
