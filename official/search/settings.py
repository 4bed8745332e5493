"""The numbers of a search, checked before anything is made.

Field names are flag names, so that a message can name the flag. They fall in two: those that decide
*what* is found (identity: a run directory belongs to one value of each, for good) and those that
say how the work is done (operation: more rounds or more workers may be asked for when a search goes
on).
"""

import dataclasses
import math

from data_prep.common import cli
from official.architecture import guidance as guidance_lib
from official.architecture.guidance import facts
from official.runs import fitness as fitness_lib
from official.search import confirmation as confirmation_lib
from official.search import folds as folds_lib
from official.search import objectives as objectives_lib
from official.search import rungs as rungs_lib

ALGORITHMS = ("evolution", "random_search")
REMOVALS = ("worst", "worst_sampled", "oldest")
SENSITIVITY_DROPS = facts.SENSITIVITY_DROPS
INHERITANCES = ("none", "blocks")
FINALS = ("best", "top_k", "ensemble", "front", "knee")
EXPORTS = ("best", "all")
_ALONE = ("best", "knee")
UNIFORM = facts.UNIFORM
RUNG_SCHEDULES = ("restart", "whole")
_OPERATION = (
  "rounds",
  "workers",
  "keep_checkpoints",
  "max_hours",
  "target_fitness",
  "max_retries",
  "candidate_timeout",
  "final",
  "top_k",
  "export",
  "confirm",
)
# Identity that is recorded only if it is not the default.
_ABSENT_BY_DEFAULT = ("objectives", "inherit", "rungs", "folds", "fold_rank", "remove_count")
_LEAST = {
  "population_size": 1,
  "tournament_size": 1,
  "remove_count": 1,
  "rounds": 0,
  "max_operators": 0,
  "seed": 0,
  "workers": 1,
  "keep_checkpoints": 0,
  "max_retries": 0,
  "top_k": 1,
}
_CHOICES = {
  "remove": REMOVALS,
  "algorithm": ALGORITHMS,
  "sensitivity_drop": SENSITIVITY_DROPS,
  "inherit": INHERITANCES,
  "fold_rank": folds_lib.RANKS,
  "final": FINALS,
  "export": EXPORTS,
  "rung_schedule": RUNG_SCHEDULES,
}
# What modules from outside the tree add to.
_REGISTERED = {"fitness": fitness_lib.names, "guidance": guidance_lib.names}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
  """The settings of a search.

  Attributes:
    population_size: Candidates that can become parents; as many must finish before the first child.
    initial_candidates: Candidates without a parent, which come first; the best `population_size` of
      them survive. None is as many as the population has.
    tournament_size: Members drawn for a tournament; the best of them is the parent.
    rounds: Candidates after the first `initial_candidates`.
    remove: Who leaves when the population is full: its worst, the worst of the tournament's sample,
      or the oldest.
    remove_count: How many leave then; as many newcomers are admitted until it is full again.
    fitness: What is maximised (official.runs.fitness).
    objectives: The fitness and the costs that are minimised beside it, separated by commas
      (objectives.py); None for the fitness alone.
    algorithm: `evolution`, or `random_search`, in which no candidate has a parent.
    guidance: How a child chooses among its parent's connections.
    weight_threshold: Connections above it are kept, or "uniform": a threshold from U(0, 1) for
      each, or "uniform:LOW:HIGH".
    sensitivity_drop: Which connections guidance by sensitivity drops.
    prune_fraction: Share of a parent's connections that goes, in guidances without a threshold.
    max_operators: Splits, merges and changes of dilation for a child: 0 to this many.
    inherit: What a child's training begins with: `none` of its parent's weights, or those of all
      `blocks` that it has from it (official/architecture/lineage.py).
    rungs: Steps after which candidates are judged, as text: see rungs.py. None: trained at once.
    rung_schedule: The learning rate of a search with rungs: it falls to zero before every rung and
      begins again after it, or falls over the whole training.
    folds: Folds of the train and validation clips by which candidates are judged in turn; None
      judges all on the validation clips (folds.py).
    fold_rank: How candidates of different folds are compared: `within` or `all`.
    seed: Random seed; candidate n depends on (seed, n) and on what was known when it was
      proposed.
    workers: Candidates trained at a time.
    keep_checkpoints: Candidates, the best ones, that keep their weights.
    max_hours: Proposes nothing new after so many hours of searching, over all lives of the driver.
    target_fitness: Proposes nothing new once a candidate is as good; of a loss, as low.
    max_retries: Times that a candidate is tried again after its process was killed; a lost machine
      does not count.
    candidate_timeout: Seconds after which a candidate is given up, from its start or, interrupted,
      from its going on.
    final: What is trained to the end: the best, or the `top_k` best, of which the one that is best
      then is exported, or an ensemble of them all; with several objectives also at most `top_k`
      of the front, each of which is exported, or the front's knee.
    top_k: Candidates that are trained to the end where it is several.
    export: Which of the `top_k` are exported: the best of them after the final training, or all.
    confirm: K:SEEDS, to train the K best again with SEEDS other seeds each before one of them is
      chosen (confirmation.py); None chooses by the fitness of the search.
  """

  population_size: int = 20
  initial_candidates: int | None = None
  tournament_size: int = 5
  rounds: int = 200
  remove: str = "worst"
  remove_count: int = 1
  fitness: str = fitness_lib.DEFAULT
  objectives: str | None = None
  algorithm: str = "evolution"
  guidance: str = "connection_weights"
  weight_threshold: float | str = facts.Settings.weight_threshold
  sensitivity_drop: str = facts.Settings.sensitivity_drop
  prune_fraction: float = facts.Settings.prune_fraction
  max_operators: int = 4
  inherit: str = "none"
  rungs: str | None = None
  rung_schedule: str = "restart"
  folds: int | None = None
  fold_rank: str = "within"
  seed: int = 0
  workers: int = 1
  keep_checkpoints: int = 5
  max_hours: float | None = None
  target_fitness: float | None = None
  max_retries: int = 1
  candidate_timeout: float | None = None
  final: str = "best"
  top_k: int = 3
  export: str = "best"
  confirm: str | None = None

  def __post_init__(self) -> None:
    if self.initial_candidates is None:
      object.__setattr__(self, "initial_candidates", self.population_size)
    for name, least in _LEAST.items():
      cli.at_least(name, getattr(self, name), least)
    registered = {name: names() for name, names in _REGISTERED.items()}
    for name, choices in {**_CHOICES, **registered}.items():
      one_of(name, getattr(self, name), choices)
    if self.objectives is not None:  # However it is spaced, it is one value.
      object.__setattr__(self, "objectives", ",".join((self.fitness, *self.costs)))
    if not self.costs and self.final in ("front", "knee"):
      raise cli.UserError(
        f"--final={self.final} needs several objectives; give --objectives={self.fitness},"
        f"{objectives_lib.COSTS[0]}, say, or --final={self.__class__.final}"
      )
    if self.confirmation.trainings and self.final in ("front", "knee"):
      raise cli.UserError(
        f"--confirm={self.confirm} orders candidates by their fitness, and --final={self.final} "
        "takes the front; leave one of them out"
      )
    if self.export == "all" and self.final != "top_k":
      raise cli.UserError(
        f"--export=all is for --final=top_k, and --final={self.final}; leave one of them out "
        "(a front is exported whole in any case)"
      )
    self._check_folds()
    self._check_population()
    if not 0 <= self.prune_fraction <= 1:
      raise cli.UserError(
        f"--prune_fraction={self.prune_fraction} is out of range; give a number from 0 to 1"
      )
    for name in ("max_hours", "candidate_timeout"):
      if getattr(self, name) is not None:
        cli.at_least(name, getattr(self, name), 0, exclusive=True)
    if self.target_fitness is not None and not math.isfinite(self.target_fitness):
      raise cli.UserError(f"--target_fitness={self.target_fitness} is no finite number; give one")
    if not rungs_lib.steps(self.rungs) and self.rung_schedule != SearchSettings.rung_schedule:
      raise cli.UserError(
        f"--rung_schedule={self.rung_schedule} has no effect without --rungs; give both or neither"
      )
    self._check_threshold()

  def _check_population(self) -> None:
    if self.tournament_size > self.population_size:
      raise cli.UserError(
        f"--tournament_size={self.tournament_size} is above "
        f"--population_size={self.population_size}; "
        "a tournament is drawn from the population, so give at most its size"
      )
    if self.initial < self.population_size:
      raise cli.UserError(
        f"--initial_candidates={self.initial_candidates} is below "
        f"--population_size={self.population_size}; the population begins with them, so give at "
        "least its size"
      )
    if self.remove_count > self.population_size:
      raise cli.UserError(
        f"--remove_count={self.remove_count} is above --population_size={self.population_size}; "
        "somebody must be left to be a parent, so give at most its size"
      )

  def _check_threshold(self) -> None:
    try:
      low, high = facts.threshold_bounds(self.weight_threshold)
    except ValueError:
      raise cli.UserError(
        f"--weight_threshold={self.weight_threshold} is neither a number from 0 to 1 nor "
        f"{UNIFORM!r} nor '{UNIFORM}:LOW:HIGH' with 0 <= LOW < HIGH <= 1"
      ) from None
    if low < high and self.weight_threshold != UNIFORM:  # However it is written, it is one value.
      object.__setattr__(self, "weight_threshold", f"{UNIFORM}:{low:g}:{high:g}")

  def _check_folds(self) -> None:
    if self.folds is None:
      if self.fold_rank != SearchSettings.fold_rank:
        raise cli.UserError(
          f"--fold_rank={self.fold_rank} has no effect without --folds; give both or neither"
        )
      return
    cli.at_least("folds", self.folds, 2)
    others = {"objectives": self.costs, "inherit": self.inherits, "rungs": self.rungs}
    for flag in (flag for flag, given in others.items() if given):
      why = {
        "objectives": "fronts would compare candidates of different folds",
        "rungs": "rungs would compare candidates of different folds",
        "inherit": "a child would begin with weights that have learned from the clips of its fold",
      }[flag]
      raise cli.UserError(
        f"--folds={self.folds} and --{flag}={getattr(self, flag)} exclude each other, because "
        f"{why}; leave one of them out"
      )

  @property
  def initial(self) -> int:
    """The number of initial candidates, which is never None."""
    return self.population_size if self.initial_candidates is None else self.initial_candidates

  @property
  def candidates(self) -> int:
    """Candidates in all."""
    return self.initial + self.rounds

  @property
  def costs(self) -> tuple[str, ...]:
    """The objectives beside the fitness; none by default."""
    return objectives_lib.parse(self.objectives, self.fitness)

  @property
  def confirmation(self) -> confirmation_lib.Plan:
    """What is trained again before the final training; nothing by default."""
    return confirmation_lib.parse(self.confirm)

  @property
  def leaders(self) -> int:
    """The number of best candidates that a search keeps an eye on."""
    return max(self.keep_checkpoints, self.trained_to_the_end, self.confirmation.candidates)

  @property
  def trains_one(self) -> bool:
    """Whether a single candidate is trained to the end."""
    return self.final in _ALONE

  @property
  def inherits(self) -> bool:
    """Whether children begin with weights of their parents'."""
    return self.inherit != "none"

  @property
  def rung_steps(self) -> tuple[int, ...]:
    """Training steps of every rung, the last one included; none in a search without rungs."""
    return rungs_lib.steps(self.rungs)

  @property
  def trained_to_the_end(self) -> int:
    """The number of candidates that are trained to the end, if there are that many."""
    return 1 if self.trains_one else self.top_k

  def enough(self, best: float | None, hours: float) -> str | None:
    """Returns why nothing new is started though rounds may be left; None if there is no reason.

    Args:
      best: Fitness of the best so far, if there is one.
      hours: Hours of searching so far.
    """
    if (
      self.target_fitness is not None
      and best is not None
      and best >= fitness_lib.target(self.fitness, self.target_fitness)
    ):
      return f"--target_fitness={self.target_fitness:g} is reached"
    if self.max_hours is not None and hours >= self.max_hours:
      return f"--max_hours={self.max_hours:g} are over"
    return None

  def reads(self, fact: str) -> bool:
    """Whether a proposal reads that fact about a trained parent (guidance.facts.MEASURED)."""
    has_parents = self.algorithm != "random_search"
    return has_parents and fact in guidance_lib.get(self.guidance).reads

  def dead_choice(self) -> str | None:
    """Returns why children cannot differ from their parents in connections; None if they can."""
    if self.algorithm != "evolution" or self.rounds == 0:
      return None
    flag = None
    if self.guidance == "connection_weights" and self.weight_threshold == 0:
      flag = "--weight_threshold=0"
    elif self.guidance in ("random", "sensitivity") and self.prune_fraction == 0:
      flag = "--prune_fraction=0"
    if flag is None:
      return None
    others = (
      "differ in their blocks alone"
      if self.max_operators
      else "equal their parents, so that random architectures are trained instead"
    )
    return f"{flag} keeps every connection of a parent: children {others}"

  def identity(self) -> dict:
    """Values, by flag, that a run directory keeps for good."""
    values = dataclasses.asdict(self)
    defaults = {field.name: field.default for field in dataclasses.fields(self)}
    return {
      name: value
      for name, value in values.items()
      if name not in _OPERATION
      and not (name in _ABSENT_BY_DEFAULT and value == defaults[name])
      and not (name == "rung_schedule" and self.rungs is None)
    }

  def operation(self) -> dict:
    """Values, by flag, that may change when a search resumes."""
    return {name: getattr(self, name) for name in _OPERATION}


def threshold(text: str) -> float | str:
  """Returns the value of --weight_threshold."""
  try:
    return text if text.startswith(UNIFORM) else float(text)
  except ValueError:
    return text  # SearchSettings refuses it, with the choices.


def one_of(flag: str, value: str, choices: tuple[str, ...]) -> None:
  """Raises UserError unless `value` is one of the choices."""
  if value not in choices:
    own = ", or of a module of your own (--import)" if flag in _REGISTERED else ""
    raise cli.UserError(f"--{flag}={value} is unknown; it is one of {', '.join(choices)}{own}")
