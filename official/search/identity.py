"""Whether a run directory belongs to the search that is asked for.

`search.json` is `{"format_version", "identity": {flag: value}, "operation": {flag: value}}`.
Identity decides what is
found: space, data, seed, steps, threads, ... Going on with other values would mix two searches, so
that is refused, by the name of the flag. Operation (rounds, workers, ...) is rewritten at every
start.
"""

from collections.abc import Mapping
import json
from typing import Any

from data_prep import cli

_SHOWN_CHARACTERS = 60


def check(recorded: Mapping[str, Any], asked: Mapping[str, Any], directory: str) -> None:
  """Raises UserError that names each flag which differs, with both values."""
  differing = [
      _difference(flag, recorded.get(flag), asked.get(flag))
      for flag in sorted({*recorded, *asked})
      if recorded.get(flag) != asked.get(flag)
  ]
  if differing:
    raise cli.UserError(f"{directory} belongs to another run: {'; '.join(differing)}; "
                        "give the flags it was made with, or another --model_dir")


def _difference(flag: str, was: Any, now: Any) -> str:
  """Says what differs; of two objects of several fields, in the first field that does."""
  if isinstance(was, Mapping) and isinstance(now, Mapping):
    field = min(key for key in {*was, *now} if was.get(key) != now.get(key))
    return (f"--{flag} was made with {field} {_shown(was.get(field))} "
            f"and has {_shown(now.get(field))} now")
  return f"--{flag} was {_shown(was)} and is {_shown(now)} now"


def _shown(value: Any) -> str:
  text = value if isinstance(value, str) else json.dumps(value)
  return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS - 3] + "..."
