"""The next candidate: number n, from (seed, n) and the results known when it is proposed.

The first `initial_candidates`, whatever comes before `population_size` have finished, and in a
random search all, are random architectures; in a refinement the founders, those of an earlier run,
come first (refinement.py). After that comes a child: members drawn from the population meet in a
tournament, the best of them is the parent, and what its training found (its connection weights,
say) guides the mutation.

No architecture is proposed twice (known.py): one that is known is drawn again. A parent of which
many draws make no new child within the space is barren; then another tournament is drawn among the
others, and after `_TOURNAMENTS` of them a random architecture.

Every candidate has a generator of its own, f(seed, n), and draws in a fixed order from sorted
lists; so equal files give equal proposals, whatever ran between.
"""

from collections.abc import Callable, Iterable, Sequence
import dataclasses
import math

import numpy as np

from data_prep.common import cli
from official.architecture import canonical
from official.architecture import cost
from official.architecture import mutation
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace
from official.runs.json_files import Json
from official.runs.records import Candidate
from official.runs.records import ConnectionWeight
from official.runs.records import Founder
from official.runs.records import Sensitivity
from official.runs.run_directory import RunDirectory
from official.search import folds
from official.search import inheritance
from official.search import population as population_lib
from official.search.population import Population
from official.search.settings import SearchSettings
from official.search.state import SearchState

# What `origin` of a candidate.json says.
RANDOM, FOUNDER, CHILD = "random", "founder", "child"
_PROPOSAL, _TRAINING = 0, 1
_TOURNAMENTS = 3


def propose(
  run: RunDirectory,
  state: SearchState,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  founders: Sequence[Founder] = (),
) -> Candidate:
  """Returns the next candidate.

  Args:
    run: Has the parents' files.
    state: What is known.
    space: What an architecture can be.
    settings: How to search.
    clip: What networks are built for.
    founders: The first candidates, from an earlier run (refinement.py).

  Raises:
    ArchitectureError: The space admits none that is new.
  """
  number = state.proposed
  state.known.read(run, number, clip.num_frames)
  rng = generator(settings.seed, number)
  is_new = state.known.lacks(clip.num_frames)
  children = settings.algorithm != "random_search" and number >= settings.initial
  barren: list[int] = []
  story: _Story | None = None
  if number < len(founders):
    story = _founder(founders[number], is_new)
  elif children and state.ready:
    story = _child(run, state.population, space, settings, clip, rng, is_new, barren)
  if story is None:
    story = _random(random_generation.found(space, rng, clip=clip, is_new=is_new))
  return Candidate(
    number=number,
    origin=story.origin,
    parent=story.parent,
    tournament=story.tournament,
    barren=tuple(barren),
    known_results=state.known_results,
    seed=training_seed(settings.seed, number),
    founder=story.founder,
    child=story.child,
    digest=canonical.digest(serialization.from_json(story.architecture), clip.num_frames),
    others={
      **inheritance.record(run, settings, story.parent),
      **folds.record(settings.folds, number),
    },
    architecture=story.architecture,
  )


def origin(candidate: Candidate) -> str:
  """Returns where a candidate comes from, for people: `random`, `founder, candidate 000003 of the
  earlier run` or `child of 000001`."""
  if candidate.parent is not None:
    return f"child of {candidate.parent:06d}"
  earlier = (candidate.founder or {}).get("start_from")
  return RANDOM if earlier is None else f"founder, candidate {earlier:06d} of the earlier run"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Story:
  """An architecture and how it came about; attributes as those of a Candidate."""

  architecture: Json
  origin: str
  parent: int | None = None
  tournament: tuple[int, ...] = ()
  founder: Json | None = None
  child: Json | None = None


def _founder(founder: Founder, is_new: Callable[[Architecture], bool]) -> _Story | None:
  """Returns the story of a founder, None for one that equals an earlier one."""
  if not is_new(serialization.from_json(founder.architecture)):
    return None
  return _Story(
    origin=FOUNDER,
    founder={"start_from": founder.candidate},
    architecture=founder.architecture,
  )


def _random(drawn: random_generation.Founder) -> _Story:
  story = drawn.to_json()
  return _Story(origin=RANDOM, architecture=story.pop("architecture"), founder=story)


def _child(
  run: RunDirectory,
  population: Population,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  rng: np.random.Generator,
  is_new: Callable[[Architecture], bool],
  barren: list[int],
) -> _Story | None:
  """Returns the story of a child; None where no parent has one. Notes parents that have none in
  `barren`."""
  for _ in range(_TOURNAMENTS):
    population = tuple(member for member in population if member.number not in barren)
    if not population:
      break
    sample = population_lib.tournament(population, settings.tournament_size, rng)
    parent = population_lib.best(sample, population).number
    trained = run.read_result(parent)
    assert trained is not None  # It is a member of the population.
    try:
      story = mutation.mutate(
        run.read_architecture(parent),
        connection_weights(trained.connection_weights or ()),
        space,
        rng,
        guidance=settings.guidance,
        weight_threshold=settings.weight_threshold,
        sensitivities=sensitivities(trained.sensitivities or ()),
        sensitivity_drop=settings.sensitivity_drop,
        prune_fraction=settings.prune_fraction,
        max_operators=settings.max_operators,
        clip=clip,
        is_new=is_new,
      ).to_json()
    except ArchitectureError:
      barren.append(parent)
      continue
    return _Story(
      origin=CHILD,
      parent=parent,
      tournament=tuple(member.number for member in sample),
      architecture=story.pop("architecture"),
      child=story,
    )
  return None


def check(space: SearchSpace, settings: SearchSettings, clip: cost.Clip) -> None:
  """Raises UserError if not even the first candidate can be drawn; before anything is made."""
  try:
    random_generation.random_architecture(space, generator(settings.seed, 0), clip=clip)
  except ArchitectureError as error:
    raise cli.UserError(f"--search_space: {error}") from error


def connection_weights(weights: Iterable[ConnectionWeight]) -> dict[Connection, float]:
  """Returns the weight of every connection at the end of training, NaN where it is not known."""
  return {Connection(each.source, each.target): _number(each.end) for each in weights}


def sensitivities(measured: Iterable[Sensitivity]) -> dict[Connection, float]:
  """Returns what cutting each connection would cost, NaN where it is not known."""
  return {Connection(each.source, each.target): _number(each.value) for each in measured}


def _number(value: float | None) -> float:
  return math.nan if value is None else value


def generator(seed: int, number: int) -> np.random.Generator:
  """Returns the generator of proposal `number`."""
  return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, _PROPOSAL)))


def training_seed(seed: int, number: int) -> int:
  """Returns the seed of a candidate's training: initial weights, order of examples, augmentation;
  below 2**31."""
  return int(np.random.SeedSequence(seed, spawn_key=(number, _TRAINING)).generate_state(1)[0] >> 1)
