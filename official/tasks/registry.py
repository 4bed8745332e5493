"""The tasks that there are, by name, also those from outside the tree. No TensorFlow.

    # my_tasks/focal/spec.py; beside it are task.py and served.py
    SPEC = registry.register(contract.Spec(name="focal", package="my_tasks.focal", ...))

A dataset says by its labels which task it is for; a training may be given another by name.
"""

import dataclasses

from data_prep.common import cli
from data_prep.dataset import metadata
from official.tasks import contract
from official.tasks.classification import spec as classification
from official.tasks.multi_label import spec as multi_label
from official.tasks.restoration import spec as restoration
from official.tasks.segmentation import spec as segmentation

_TASKS: dict[str, contract.Spec] = {}


def register(spec: contract.Spec) -> contract.Spec:
  """Makes a task known under its name, and returns it.

  Raises:
    ValueError: The name has another task, or a fitness has the name of another one.
  """
  if _TASKS.get(spec.name, spec) != spec:
    raise ValueError(f"there is a task {spec.name} already, in {_TASKS[spec.name].package}")
  for one in spec.fitness:
    if _fitnesses().get(one.name, one) != one:
      raise ValueError(
        f"the task {spec.name} has a fitness {one.name}, which is another one elsewhere; rename it"
      )
  _TASKS[spec.name] = spec
  return spec


def register_fitness(task: str, fitness: contract.Fitness) -> contract.Fitness:
  """Gives a registered task one more fitness, and returns it.

  Raises:
    UserError: There is no such task.
    ValueError: A fitness of that name is there already, or needs a metric that the task lacks.
  """
  if fitness.name in fitness_names():
    raise ValueError(f"there is already a fitness {fitness.name!r}")
  spec = get(task)
  _TASKS[task] = dataclasses.replace(spec, fitness=(*spec.fitness, fitness))
  return fitness


def names() -> tuple[str, ...]:
  """Returns the names of all tasks, in the order of their registration."""
  return tuple(_TASKS)


def get(name: str) -> contract.Spec:
  """Returns a task; raises UserError where there is none of that name."""
  if name not in _TASKS:
    raise cli.UserError(f"there is no task {name!r}; give one of {', '.join(_TASKS)}")
  return _TASKS[name]


def of(info: metadata.DatasetInfo) -> contract.Spec:
  """Returns the task that a dataset is for: without labels, masks or else the frames themselves."""
  if not info.classes:
    masked = set(segmentation.SPEC.target_streams) <= set(info.streams)
    return get(segmentation.SPEC.name if masked else restoration.SPEC.name)
  return get(multi_label.SPEC.name if info.multi_label else classification.SPEC.name)


def losses() -> tuple[str, ...]:
  """Returns the losses of all tasks that have a choice: the choices of --loss."""
  return tuple(dict.fromkeys(name for spec in _TASKS.values() for name in spec.losses))


def fitness_names() -> tuple[str, ...]:
  """Returns the fitnesses of all tasks: the choices of --fitness."""
  return tuple(_fitnesses())


def fitness(name: str) -> contract.Fitness:
  """Returns a fitness by its name; raises UserError where no task has it."""
  found = _fitnesses()
  if name not in found:
    raise cli.UserError(f"there is no fitness {name!r}; give one of {', '.join(found)}")
  return found[name]


def _fitnesses() -> dict[str, contract.Fitness]:
  return {one.name: one for spec in _TASKS.values() for one in spec.fitness}


# Its fitness is the default of --fitness, and its choices come first.
DEFAULT = register(classification.SPEC)
register(multi_label.SPEC)
register(restoration.SPEC)
register(segmentation.SPEC)
