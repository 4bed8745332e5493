"""The identity of a run: whether a directory belongs to the requested search.

`search.json` is `{"format_version", "identity": {flag: value}, "operation": {flag: value}}`.
Identity decides what is
found: space, data, seed, steps, threads, ... Going on with other values would mix two searches, so
that is refused, by the name of the flag. Operation (rounds, workers, ...) is rewritten at every
start. A run that was begun before there was a flag has no value of it, and counts as made with the
flag's default. One of the values is no flag: `network_version`, without which a run is of the
first version (official.architecture.network_version).
"""

from collections.abc import Mapping
import json
import types

from data_prep.common import cli
from official.architecture import network_version
from official.runs.json_files import Json

_SHOWN_CHARACTERS = 60
_VERSION = "network_version"


def check(
  recorded: Json,
  asked: Json,
  directory: str,
  defaults: Json = types.MappingProxyType({}),
) -> None:
  """Raises UserError that names each flag which differs, with both values.

  Args:
    recorded: Values by flag.
    asked: Values by flag.
    directory: Where the recorded ones come from.
    defaults: Values of flags, and of fields of them that are objects, which are not recorded.
  """
  if _VERSION in asked:
    version = recorded.get(_VERSION)
    network_version.check(
      version if isinstance(version, int) else None, directory, "give another --model_dir"
    )
  # A flag that is recorded only if it is set counts as asked for with its default.
  asked = {**{flag: defaults[flag] for flag in recorded if flag in defaults}, **asked}
  recorded = with_defaults(recorded, asked, defaults)
  differing = [
    _difference(flag, recorded.get(flag), asked.get(flag))
    for flag in sorted({*recorded, *asked} - {_VERSION})
    if recorded.get(flag) != asked.get(flag)
  ]
  if differing:
    raise cli.UserError(
      f"{directory} belongs to another run: {'; '.join(differing)}; "
      "give the flags it was made with, or another --model_dir"
    )


def with_defaults(recorded: Json, asked: Json, defaults: Json) -> dict[str, object]:
  """Returns what was recorded, and the defaults of what is asked for and was not recorded."""
  filled = dict(recorded)
  for flag, value in asked.items():
    if flag not in recorded:
      filled[flag] = defaults.get(flag)
      continue
    was, default = recorded[flag], defaults.get(flag)
    if isinstance(value, Mapping) and isinstance(was, Mapping) and isinstance(default, Mapping):
      filled[flag] = with_defaults(was, value, default)
  return filled


def _difference(flag: str, was: object, now: object) -> str:
  """Says what differs; of two objects of several fields, in the first field that does."""
  if isinstance(was, Mapping) and isinstance(now, Mapping):
    field = min(key for key in {*was, *now} if was.get(key) != now.get(key))
    return (
      f"--{flag} was made with {field} {_shown(was.get(field))} "
      f"and has {_shown(now.get(field))} now"
    )
  return f"--{flag} was {_shown(was)} and is {_shown(now)} now"


def _shown(value: object) -> str:
  text = value if isinstance(value, str) else json.dumps(value)
  return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
