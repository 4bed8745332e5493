"""The confirmation of a search's best: trained again with other seeds, judged by those alone.

The best of many candidates is partly the luckiest: on 25 clips, the accuracy of one network moves
by several steps of 0.04 with the seed of its training, and a search picks the upward moves. So
with `--confirm=K:SEEDS` the K best are trained again, SEEDS times each, with seeds that the search
did not use. What decides is the lower bound of the mean of these fitnesses; the fitness of the
search is shown beside it, and does not count, for it is the one that was picked.

    lower bound = mean - t s / sqrt(SEEDS)

s is the standard deviation between the trainings of one candidate, pooled over all K, because two
or three trainings tell no deviation of their own; t is the 95 % point of Student's distribution for
K (SEEDS - 1) degrees of freedom. Where SEEDS is 1 there is no deviation, and the bound is the mean.
A candidate that cannot be trained with one of the seeds comes after all that can.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import math
import statistics

from data_prep.common import cli
from official.runs import fitness as fitness_lib

# 95 % points of Student's distribution for 1, 2, ... degrees of freedom; then the normal one's.
_T_95 = (
  *(6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812),
  *(1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725),
  *(1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697),
)
_NORMAL_95 = 1.645


@dataclasses.dataclass(frozen=True)
class Plan:
  """What is confirmed.

  Attributes:
    candidates: Number of the best that are trained again.
    seeds: Trainings of each.
  """

  candidates: int = 0
  seeds: int = 0

  @property
  def trainings(self) -> int:
    """Trainings in all, if there are that many candidates."""
    return self.candidates * self.seeds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
  """A candidate that is confirmed.

  Attributes:
    number: The candidate's.
    searched: Its fitness in the search; larger is better.
    fitnesses: Those of its trainings with other seeds; None for one that could not be trained.
    loss: Mean validation loss of these trainings, or None; it decides between equals.
    awaited: Trainings that have no result yet.
    mean: Mean of `fitnesses`; None if something is awaited or could not be trained.
    lower_bound: Lower bound of the mean, or None as above.
  """

  number: int
  searched: float
  fitnesses: tuple[float | None, ...] = ()
  loss: float | None = None
  awaited: int = 0
  mean: float | None = None
  lower_bound: float | None = None


def parse(text: str | None) -> Plan:
  """Returns the value of --confirm; an empty plan for None.

  Raises:
    UserError: It is no K:SEEDS.
  """
  if text is None:
    return Plan()
  parts = text.split(":")
  if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
    raise cli.UserError(
      f"--confirm={text} is not of the form K:SEEDS; give two whole numbers of at least 1, such as "
      "3:2 to train the 3 best again with 2 seeds each"
    )
  return Plan(*map(int, parts))


def ranked(rows: Sequence[Row]) -> tuple[Row, ...]:
  """Returns rows with their means and bounds, the best first; equals stay in their order.

  A row for which something is awaited has neither, and comes last.
  """
  complete = [row for row in rows if _is_complete(row)]
  deviation = _pooled_deviation([_numbers(row) for row in complete])
  freedom = sum(len(row.fitnesses) - 1 for row in complete)

  def judged(row: Row) -> Row:
    if not _is_complete(row):
      return row
    numbers = _numbers(row)
    mean = statistics.fmean(numbers)
    margin = t_95(freedom) * deviation / math.sqrt(len(numbers)) if freedom else 0.0
    return dataclasses.replace(row, mean=mean, lower_bound=mean - margin)

  def rank(row: Row) -> tuple[float, float]:
    bound = -math.inf if row.lower_bound is None else row.lower_bound
    return fitness_lib.rank(bound, row.loss, 0)[:2]

  return tuple(sorted(map(judged, rows), key=rank))


def t_95(freedom: int) -> float:
  """Returns the 95 % point of Student's distribution, for at least one degree of freedom."""
  return _T_95[freedom - 1] if freedom <= len(_T_95) else _NORMAL_95


def lines(rows: Sequence[Row], fitness: str) -> Iterator[str]:
  """Yields a headline and a table, the best first; nothing without rows.

  Args:
    rows: As `ranked` returns them.
    fitness: Name of the fitness.
  """
  if not rows:
    return
  awaited = sum(row.awaited for row in rows)
  trainings = awaited + sum(len(row.fitnesses) for row in rows)
  yield (
    f"confirmation of the best {len(rows)} by {fitness} with other seeds: "
    f"{trainings - awaited} of {trainings} trainings finished"
  )
  yield "  candidate  in the search (does not count)   mean  lower bound  each"
  for row in rows:
    each = " ".join(_number(fitness, value) for value in row.fitnesses)
    yield (
      f"  {row.number:06d}  {_number(fitness, row.searched):>32}  {_number(fitness, row.mean):>7}  "
      f"{_number(fitness, row.lower_bound):>11}  {each}"
    ).rstrip()


def _number(fitness: str, value: float | None) -> str:
  return "-" if value is None else fitness_lib.number(fitness, value)


def _is_complete(row: Row) -> bool:
  return bool(row.fitnesses) and not row.awaited and None not in row.fitnesses


def _numbers(row: Row) -> list[float]:
  return [value for value in row.fitnesses if value is not None]


def _pooled_deviation(groups: Sequence[Sequence[float]]) -> float:
  freedom = sum(len(group) - 1 for group in groups)
  squares = math.fsum((one - statistics.fmean(group)) ** 2 for group in groups for one in group)
  return math.sqrt(squares / freedom) if freedom else 0.0
