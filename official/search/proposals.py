"""What is tried next: candidate n, from (seed, n) and from what is known when it is proposed.

The first `initial_candidates`, whatever comes before `population_size` have finished, and in a
random search all, are random architectures; in a refinement those of an earlier run come first
(refinement.py). After that comes a child: members drawn from the
population meet in a tournament, the best of them is the parent, and what its training found (its
connection weights, say) guides the mutation.
Every candidate has a generator of its own, f(seed, n), and draws in a fixed order from sorted
lists; so equal files give equal proposals, whatever ran between.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from data_prep import cli
from official.architecture import cost
from official.architecture import mutation
from official.architecture import random_generation
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace
from official.search import population as population_lib
from official.search.run_directory import RunDirectory
from official.search.settings import SearchSettings
from official.search.state import SearchState

_PROPOSAL, _TRAINING = 0, 1


def propose(run: RunDirectory, state: SearchState, space: SearchSpace, settings: SearchSettings,
            clip: cost.Clip, founders: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
  """Returns the content of the next candidate.json.

  Args:
    run: Has the parents' files.
    state: What is known.
    space: What an architecture can be.
    settings: How to search.
    clip: What networks are built for.
    founders: The first candidates, from an earlier run (refinement.py): `candidate`, its number
      there, and `architecture`.

  Raises:
    ArchitectureError: The space admits none.
  """
  number = state.proposed
  rng = generator(settings.seed, number)
  parent, sample, child = None, (), None
  if number < len(founders):
    founder = {"start_from": founders[number]["candidate"]}
    architecture = founders[number]["architecture"]
  elif (settings.algorithm == "random_search" or number < settings.initial_candidates
      or not state.ready):
    founder, architecture = _story(random_generation.found(space, rng, clip=clip))
  else:
    sample = population_lib.tournament(state.population, settings.tournament_size, rng)
    parent = population_lib.best(sample).number
    trained = run.read_result(parent)
    founder = None
    child, architecture = _story(mutation.mutate(
        run.read_architecture(parent),
        by_connection(trained["connection_weights"], "end"), space, rng,
        guidance=settings.guidance, weight_threshold=settings.weight_threshold,
        sensitivities=by_connection(trained.get("sensitivities") or (), "value"),
        sensitivity_drop=settings.sensitivity_drop, prune_fraction=settings.prune_fraction,
        max_operators=settings.max_operators, clip=clip))
  return {
      "number": number,
      "parent": parent,
      "tournament": [member.number for member in sample],
      "known_results": state.finished,
      "seed": training_seed(settings.seed, number),
      "founder": founder,
      "child": child,
      "architecture": architecture,
  }


def check(space: SearchSpace, settings: SearchSettings, clip: cost.Clip) -> None:
  """Raises UserError if not even the first candidate can be drawn; before anything is made."""
  try:
    random_generation.random_architecture(space, generator(settings.seed, 0), clip=clip)
  except ArchitectureError as error:
    raise cli.UserError(f"--search_space: {error}") from error


def by_connection(entries: Iterable[Mapping[str, Any]], name: str) -> dict[Connection, float]:
  """Returns the value of that name of every connection, from a list in a result.json."""
  return {Connection(entry["source"], entry["target"]): entry[name] for entry in entries}


def generator(seed: int, number: int) -> np.random.Generator:
  """Returns the generator of proposal `number`."""
  return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, _PROPOSAL)))


def training_seed(seed: int, number: int) -> int:
  """Returns the seed of a candidate's training: initial weights, order of examples, augmentation;
  below 2**31."""
  return int(np.random.SeedSequence(seed, spawn_key=(number, _TRAINING)).generate_state(1)[0] >> 1)


def _story(drawn: random_generation.Founder | mutation.Child
           ) -> tuple[dict[str, Any], dict[str, Any]]:
  """Returns how an architecture came about, and the architecture."""
  story = drawn.to_json()
  architecture = story.pop("architecture")
  return story, architecture
