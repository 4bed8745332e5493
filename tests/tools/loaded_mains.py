"""Programs of tools/ whose functions are tested in this process."""

from collections.abc import Iterable, Iterator
import contextlib
import importlib
import types

from absl import flags


def load(name: str) -> types.ModuleType:
  """Imports a program and takes its flags away: other programs have flags of the same names."""
  values = flags.FLAGS
  before = {each: (values[each], values.find_module_defining_flag(each)) for each in values}
  with _overridable([flag for flag, _ in before.values()]):
    module = importlib.import_module(name)
    for flag in tuple(values.flags_by_module_dict().get(name, ())):
      delattr(values, flag.name)
    for each, (flag, owner) in before.items():
      if each not in values:
        values[each] = flag
        values.register_flag_by_module(owner, flag)
  return module


@contextlib.contextmanager
def _overridable(some: Iterable[flags.Flag]) -> Iterator[None]:
  """Lets other flags take the names of some."""
  were = [(flag, flag.allow_override) for flag in some]
  for flag, _ in were:
    flag.allow_override = True
  try:
    yield
  finally:
    for flag, was in were:
      flag.allow_override = was
