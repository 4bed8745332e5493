"""Programs of tools/ whose functions are tested in this process."""

import importlib
import types

from absl import flags


def load(name: str) -> types.ModuleType:
  """Imports a program and takes its flags away: other programs have flags of the same names."""
  module = importlib.import_module(name)
  for flag in tuple(flags.FLAGS.flags_by_module_dict().get(name, ())):
    delattr(flags.FLAGS, flag.name)
  return module
