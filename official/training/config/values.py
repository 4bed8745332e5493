"""The values of a training by name: what flags, files, runs and cards read and write.

A name is that of the flag; within a tree it is unique. A run records the values that decide its
outcome (`identity`) and, apart, some that may change (`operation`). `restored` makes a training of
what a run recorded, for whoever returns to it later: a value that is missing, because the run was
begun before the field existed, is the default.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from official.training.config import fields
from official.training.config.tree import Training

AnyTraining = TypeVar("AnyTraining", bound=Training)


def leaves(kind: type[Training] = Training) -> tuple[fields.Leaf, ...]:
  """Returns the fields of a tree, in their order."""
  return tuple(
    leaf
    for group, part in fields.hints_of_groups(kind).items()
    for leaf in fields.of_group(part, group)
  )


def by_name(training: Training) -> dict[str, Any]:
  """Returns the value of every field by its name."""
  return {
    leaf.name: getattr(getattr(training, leaf.group), leaf.field) for leaf in leaves(type(training))
  }


def of(
  kind: type[AnyTraining] = Training,  # type: ignore[assignment]
  /,
  **values: Any,
) -> AnyTraining:
  """Returns a training, given values by name; what is not given has its default.

  Raises:
    UserError: A value has the wrong type or is out of its range, or two do not go together.
    TypeError: There is no such name.
  """
  groups: dict[str, dict[str, Any]] = {}
  rest = dict(values)
  for leaf in leaves(kind):
    if leaf.name in rest:
      groups.setdefault(leaf.group, {})[leaf.field] = leaf.checked(rest.pop(leaf.name))
  if rest:
    raise TypeError(f"a training has no {', '.join(sorted(rest))}")
  parts = fields.hints_of_groups(kind)
  return kind(**{group: parts[group](**given) for group, given in groups.items()})


def replace(training: AnyTraining, /, **values: Any) -> AnyTraining:
  """Returns a training with other values, by name. Raises as `of` does."""
  return of(type(training), **{**by_name(training), **values})


def identity(training: Training, program: str) -> dict[str, Any]:
  """Returns the values, by name, that a run of a program keeps for good."""
  return _of_run(training, lambda leaf: program in leaf.knob.identity)


def operation(training: Training, program: str) -> dict[str, Any]:
  """Returns the values, by name, that a run of a program records and that may change."""
  return _of_run(training, lambda leaf: program in leaf.knob.operation)


def defaults(kind: type[Training] = Training) -> dict[str, Any]:
  """Returns by name the values of a run that was begun before there were the fields."""
  return {leaf.name: leaf.default for leaf in leaves(kind)}


def restored(
  recorded: Mapping[str, Any],
  kind: type[AnyTraining] = Training,  # type: ignore[assignment]
  /,
  **others: Any,
) -> AnyTraining:
  """Returns the training that a run recorded.

  Args:
    recorded: Values by name; those of no field are ignored, and a field whose value is missing or
      null has its default.
    kind: Tree of which a training is made.
    others: Values by name that the run does not record, or that are to be others now.

  Raises:
    KeyError: A value is missing that every run has recorded.
    UserError: A value has the wrong type or is out of its range.
  """
  values = {}
  for leaf in leaves(kind):
    if recorded.get(leaf.name) is not None:
      values[leaf.name] = recorded[leaf.name]
    elif leaf.knob.since == 1 and leaf.name not in others:
      raise KeyError(leaf.name)
  return of(kind, **{**values, **others})


def _of_run(training: Training, recorded: Callable[[fields.Leaf], bool]) -> dict[str, Any]:
  values = by_name(training)
  return {
    leaf.name: values[leaf.name]
    for leaf in leaves(type(training))
    if recorded(leaf) and _is_told(leaf, values)
  }


def _is_told(leaf: fields.Leaf, values: Mapping[str, Any]) -> bool:
  return not leaf.knob.absent_by_default or values[leaf.name] != leaf.default


def card(training: Training) -> dict[str, Any]:
  """Returns the values that tell how a network was trained, by name.

  They are those that decide the outcome of a run, and of the others those of hardware that are not
  as usual. Folders are left out.
  """
  values = by_name(training)
  return {
    leaf.name: values[leaf.name]
    for leaf in leaves(type(training))
    if (leaf.knob.identity and _is_told(leaf, values))
    or (leaf.knob.operation and values[leaf.name] != leaf.default)
  }
