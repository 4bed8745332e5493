"""Modules from outside the tree, which register what they define when they are imported.

    python -m official.evolve --import=my_ideas --guidance=heaviest ...

my_ideas.py lies anywhere on PYTHONPATH and calls what registers its kind of thing:

    official.architecture.guidance.register   which connections of a parent its children keep
    official.network.register_kind            a block kind, facts and layer
    official.tasks.registry.register          a task, with its metrics and fitnesses
    official.tasks.registry.register_fitness  one more fitness for a task that is there
    official.runs.executors.register          who runs candidates

The names are then among the choices of the flags, wherever in the command line --import stands. The
modules are imported here and, before it begins, in every worker.
"""

from collections.abc import Iterable, Sequence
import importlib
from typing import Any

from absl import flags

from data_prep.common.cli import UserError

_FLAG = "import"
flags.disclaim_key_flags()  # --import is the main's that asks for it.


def load(names: Iterable[str]) -> None:
  """Imports modules, each once.

  Raises:
    UserError: One cannot be imported.
  """
  for name in names:
    try:
      importlib.import_module(name)
    except (Exception, SystemExit) as error:
      raise UserError(f"--{_FLAG}={name}: {_why(name, error)}") from error


def define_flag() -> None:
  """Defines --import, which imports its modules as soon as it is read."""
  flags.DEFINE_multi(
    _Parser(),
    flags.ArgumentSerializer(),
    _FLAG,
    [],
    "Module of your own, on PYTHONPATH, that registers guidances, block kinds, tasks, "
    "fitnesses or executors when it is imported",
  )


def given() -> tuple[str, ...]:
  """Returns the modules of --import, in the order in which they were given."""
  return tuple(flags.FLAGS[_FLAG].value)


class _Parser(flags.ArgumentParser):
  """Takes the name of a module, and imports it."""

  syntactic_help = "a Python module, such as my_package.my_module"

  def parse(self, argument: Any) -> str:
    try:
      load([argument])
    except UserError as error:
      # absl writes the flag and its value before the text.
      raise ValueError(str(error).removeprefix(f"--{_FLAG}={argument}: ")) from error
    return argument


def _why(name: str, error: BaseException) -> str:
  if isinstance(error, ModuleNotFoundError) and error.name in _parents(name):
    return (
      f"there is no module {error.name!r}; put the folder of its file on PYTHONPATH, and give the "
      "name without .py"
    )
  return f"cannot be imported: {type(error).__name__}: {error}; correct the module"


def _parents(name: str) -> Sequence[str]:
  """Returns the module's name and those of the packages that it lies in."""
  parts = name.split(".")
  return [".".join(parts[: length + 1]) for length in range(len(parts))]
