"""The parts of a training as Model Garden's configurations, which YAML files can change.

Their fields, types and defaults are those of official.training.config, but for one: Model Garden's
experiments train networks as they are published, so that K of sigmoid(K v) is the paper's.
"""

from collections.abc import Collection
import dataclasses
from typing import Any

from official.modeling import hyperparams

from official.training.config import fields
from official.training.config import recipes

_PAPER = recipes.RECIPES[recipes.PAPER]
_DEFAULTS = {"connection_multiplier": _PAPER["connection_learning_rate_multiplier"]}


def derived(
  name: str,
  *groups: type[fields.Group],
  base: type[hyperparams.Config] = hyperparams.Config,
  only: Collection[str] = (),
) -> Any:
  """Returns a configuration class with the fields of parts of a training, to be subclassed.

  Args:
    name: Name of the class.
    groups: Parts of a training, such as `config.Data`.
    base: What it is a subclass of.
    only: Names of the fields that it has; empty: all of them.
  """
  leaves = [
    leaf
    for group in groups
    for leaf in fields.of_group(group, "")
    if not only or leaf.field in only
  ]
  declared = [
    (
      leaf.field,
      leaf.type | None if leaf.optional else leaf.type,
      dataclasses.field(default=_DEFAULTS.get(leaf.field, leaf.default)),
    )
    for leaf in leaves
  ]
  told = "\n".join(f"  {leaf.field}: {leaf.knob.help}" for leaf in leaves)
  return dataclasses.make_dataclass(
    name,
    declared,
    bases=(base,),
    namespace={"__module__": __name__, "__doc__": f"A view of a training.\n\nAttributes:\n{told}"},
  )
