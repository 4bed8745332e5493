"""Tables of values by name, to which modules from outside the tree add their own.

A name with a dot, `my_ideas.wide`, is found in the module before the last dot, which is imported
when the name is first looked up and adds the value.
"""

from collections.abc import Iterable, Mapping, MutableMapping
import importlib
from typing import TypeVar

Value = TypeVar("Value")


def add(table: MutableMapping[str, Value], name: str, value: Value, what: str) -> Value:
  """Adds a value to a table and returns it; ValueError if the name is taken.

  Args:
    table: Values by name.
    name: A new name.
    value: The value.
    what: What the value is, such as `block kind`, for messages.
  """
  if name in table:
    article = "an" if what[0] in "aeiou" else "a"
    raise ValueError(f"there is already {article} {what} {name!r}")
  table[name] = value
  return value


def get(
  table: Mapping[str, Value],
  name: str,
  what: str,
  many: str,
  *,
  needed: str | None = None,
  names: Iterable[str] | None = None,
) -> Value:
  """Returns the value of a name; ValueError lists the known ones.

  Args:
    table: Values by name.
    name: The one that is wanted.
    what, many: What a value is, and what several are, such as `block kind` and `kinds`.
    needed: Where modules of names with a dot have to be importable; None imports none.
    names: All known names, if there are others than those in the table.
  """
  if name not in table and needed is not None and isinstance(name, str) and "." in name:
    _import_module_of(table, name, what, needed)
  if name not in table:
    known = ", ".join(sorted(table if names is None else names))
    raise ValueError(f"unknown {what} {name!r}; the {many} are {known}")
  return table[name]


def _import_module_of(table: Mapping[str, object], name: str, what: str, needed: str) -> None:
  module = name.rpartition(".")[0]
  try:
    importlib.import_module(module)
  except ModuleNotFoundError as error:
    raise ValueError(
      f"{what} {name!r}: {error}; {module} must be importable {needed} (PYTHONPATH)"
    ) from error
  if name not in table:
    raise ValueError(f"{what} {name!r}: module {module} registers none of that name")
