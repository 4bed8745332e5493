"""Statistics of one generation: means by arm, differences with intervals, noise.

Children of one parent are not independent: a good parent has good children in every arm. So

* a child is compared with the `random` child of its pair: same parent, same seeds;
* the interval of the mean difference is that of a bootstrap in two stages: parents are drawn with
  replacement, then pairs within every parent drawn (Davison and Hinkley, "Bootstrap methods and
  their application", 1997, section 3.8). Its 2.5th and 97.5th percentiles bound 95 %;
* the noise of a training is the standard deviation of one architecture trained from several seeds,
  pooled over the parents: sqrt(sum (n_i - 1) s_i^2 / sum (n_i - 1)).

Fewer than two parents have no interval, and what has no value is None.
"""

import collections
from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import math
from typing import Any

import numpy as np

from official.runs.run_directory import RunDirectory
from tools.benchmarks import generation

_RESAMPLES = 10_000
_SEED = 0
_MEASURES = ("fitness", "loss")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
  """A finished training.

  Attributes:
    job: Its place in the plan.
    fitness: Larger is better; None where it was infeasible or failed, or its loss is not finite.
    loss: On the validation clips; None where there is no fitness.
    changed: For a child, connections that differ from the parent's, before operators.
    as_parent: Whether it is a child whose architecture is its parent's.
  """

  job: generation.Job
  fitness: float | None
  loss: float | None
  changed: int = 0
  as_parent: bool = False


def read(run: RunDirectory, plan: generation.Plan) -> list[Training]:
  """Returns the trainings of a plan that have a result, by number."""
  trainings = []
  for job in plan.jobs():
    result = run.read_result(job.number)
    if result is None:
      continue
    candidate = run.read_proposal(job.number)
    parent = run.read_proposal(job.parent)
    loss = result.loss
    trainings.append(
      Training(
        job=job,
        fitness=None if loss is None else result.fitness,
        loss=None if result.fitness is None else loss,
        changed=_changed(candidate.others["story"]) if job.is_child else 0,
        as_parent=job.is_child and candidate.architecture == parent.architecture,
      )
    )
  return trainings


def summary(trainings: Sequence[Training], impossible: Sequence[generation.Job]) -> dict[str, Any]:
  """Returns all numbers as plain data.

  Args:
    trainings: Those that came to their end.
    impossible: Children that the search space does not admit.

  Returns:
    `{"parents": {"count", "trainings", "infeasible", "fitness": {"mean", "within"}, "loss": ...},
    "arms": {arm: {"children", "fitness", "loss", "changed", "as_parent", "infeasible",
    "impossible", "difference": {"pairs", "fitness": {"mean", "interval"}, "loss": ...}}}}`. Means
    are over the children, or trainings, that have a fitness; `random` has no difference.
  """
  children = [training for training in trainings if training.job.is_child]
  lacking = collections.Counter(job.role for job in impossible)
  return {
    "parents": _parents([training for training in trainings if not training.job.is_child]),
    "arms": {arm: _arm(arm, children, lacking[arm]) for arm in generation.ARMS},
  }


def text(numbers: Mapping[str, Any], name: str) -> str:
  """Returns the numbers of `summary` as tables, `name` being that of the fitness."""
  lines = [
    f"{'arm':<22}{'children':>9}{name:>16}{'loss':>8}{'changed':>9}{'as parent':>11}"
    f"{'infeasible':>12}{'impossible':>12}"
  ]
  for arm, of in numbers["arms"].items():
    lines.append(
      f"{arm:<22}{of['children']:>9}{_number(of['fitness']):>16}"
      f"{_number(of['loss']):>8}{_number(of['changed'], '.1f'):>9}"
      f"{of['as_parent']:>11}{of['infeasible']:>12}{of['impossible']:>12}"
    )
  lines += [
    "",
    f"{'difference to random':<22}{'pairs':>9}{name:>16}{'95 %':>20}{'loss':>12}{'95 %':>20}",
  ]
  for arm, of in numbers["arms"].items():
    if "difference" in of:
      fitness, loss = of["difference"]["fitness"], of["difference"]["loss"]
      lines.append(
        f"{arm:<22}{of['difference']['pairs']:>9}{_number(fitness['mean'], '+.4f'):>16}"
        f"{_interval(fitness['interval']):>20}{_number(loss['mean'], '+.4f'):>12}"
        f"{_interval(loss['interval']):>20}"
      )
  parents = numbers["parents"]
  lines += [
    "",
    f"parents: {parents['count']}, trained {parents['trainings']} times in all; "
    f"infeasible: {parents['infeasible']}",
  ]
  for label, measure in ((name, "fitness"), ("loss", "loss")):
    lines.append(
      f"{label}: mean {_number(parents[measure]['mean'])}, standard deviation within "
      f"parents {_number(parents[measure]['within'])}"
    )
  return "\n".join(lines)


def interval(
  groups: Sequence[Sequence[float]], rng: np.random.Generator
) -> tuple[float, float] | None:
  """Returns the 95 % bootstrap interval of the mean of all values; None for fewer than two groups.

  Args:
    groups: Values that belong together, none of them empty; groups are drawn, then values within.
    rng: The only source of randomness.
  """
  if len(groups) < 2:
    return None
  sizes = np.array([len(group) for group in groups])
  table = np.zeros((len(groups), sizes.max()))
  for row, group in zip(table, groups):
    row[: len(group)] = group
  drawn = rng.integers(len(groups), size=(_RESAMPLES, len(groups)))[..., np.newaxis]
  columns = (rng.random((_RESAMPLES, len(groups), sizes.max())) * sizes[drawn]).astype(int)
  there = np.arange(sizes.max()) < sizes[drawn]
  means = np.where(there, table[drawn, columns], 0).sum((1, 2)) / there.sum((1, 2))
  low, high = np.percentile(means, [2.5, 97.5])
  return float(low), float(high)


def within(groups: Sequence[Sequence[float]]) -> float | None:
  """Returns the standard deviation within groups, pooled; None where no group has two values."""
  freedom = sum(len(group) - 1 for group in groups)
  if not freedom:
    return None
  squares = sum(float(np.var(group)) * len(group) for group in groups)
  return math.sqrt(squares / freedom)


def _parents(trainings: Sequence[Training]) -> dict[str, Any]:
  done = [training for training in trainings if training.fitness is not None]
  groups = {
    measure: _groups((training.job.parent, getattr(training, measure)) for training in done)
    for measure in _MEASURES
  }
  return {
    "count": len({training.job.parent for training in done}),
    "trainings": len(done),
    "infeasible": len(trainings) - len(done),
    **{
      measure: {
        "mean": _mean(getattr(training, measure) for training in done),
        "within": within(groups[measure]),
      }
      for measure in _MEASURES
    },
  }


def _arm(arm: str, children: Sequence[Training], impossible: int) -> dict[str, Any]:
  ours = [child for child in children if child.job.role == arm]
  done = [child for child in ours if child.fitness is not None]
  numbers = {
    "children": len(done),
    "fitness": _mean(child.fitness for child in done),
    "loss": _mean(child.loss for child in done),
    "changed": _mean(child.changed for child in done),
    "as_parent": sum(child.as_parent for child in done),
    "infeasible": len(ours) - len(done),
    "impossible": impossible,
  }
  if arm != generation.RANDOM:
    numbers["difference"] = _difference(done, children)
  return numbers


def _difference(ours: Sequence[Training], children: Sequence[Training]) -> dict[str, Any]:
  """Returns the differences of children to the random ones of their pairs, where there are both."""
  baseline = {
    child.job.pair: child
    for child in children
    if child.job.role == generation.RANDOM and child.fitness is not None
  }
  pairs = [(child, baseline[child.job.pair]) for child in ours if child.job.pair in baseline]
  numbers: dict[str, Any] = {"pairs": len(pairs)}
  for measure in _MEASURES:
    groups = _groups(
      (child.job.parent, getattr(child, measure) - getattr(other, measure))
      for child, other in pairs
    )
    numbers[measure] = {
      "mean": _mean(value for group in groups for value in group),
      "interval": interval(groups, np.random.default_rng(_SEED)),
    }
  return numbers


def _groups(values: Iterable[tuple[int, float]]) -> list[list[float]]:
  """Returns the values of (parent, value) by parent."""
  groups = collections.defaultdict(list)
  for parent, value in values:
    groups[parent].append(value)
  return [groups[parent] for parent in sorted(groups)]


def _mean(values: Iterable[float]) -> float | None:
  values = list(values)
  return float(np.mean(values)) if values else None


def _changed(story: Mapping[str, Any]) -> int:
  return len(story["pruned"]) - len(story["repairs"]) + len(story["added"])


def _number(value: float | None, form: str = ".4f") -> str:
  return "-" if value is None else format(value, form)


def _interval(bounds: Sequence[float] | None) -> str:
  return "-" if bounds is None else f"[{bounds[0]:+.4f}, {bounds[1]:+.4f}]"
