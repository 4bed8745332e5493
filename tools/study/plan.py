"""What a study compares: a JSON file that says which searches and hand-made networks are trained.

    name            of the study
    labels          labels of the manifest that take part; null: all
    extract_flags   of data_prep.extract
    training_flags  of every training, in official.evolve and official.train alike
    search_flags    of every search
    population_size, tournament_size, candidates, candidate_steps, final_steps
    hand_made       patterns, parameters and search space of the networks that were drawn by hand
    arms            name -> flags of a search; `own_founders` where the flags change how its first
                    candidates are trained, and `cheaper` where its candidates are trained for less

The first candidates of a search depend on its seed, the space and the training alone, so that arms
of one seed share them: they are trained once, and copied.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
from typing import Any

from data_prep.common import cli


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
  """A way of searching.

  Attributes:
    name: Its name in tables.
    flags: Flags of official.evolve, besides those of the study.
    own_founders: Whether its first candidates are trained in another way than those of other arms.
    cheaper: Whether its candidates are trained for less than the study's steps, so that their
      accuracies within the search are not compared with those of other arms; its winner's are.
  """

  name: str
  flags: tuple[str, ...]
  own_founders: bool = False
  cheaper: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class HandMade:
  """The networks that somebody would draw first; attributes as in official.architecture.hand_made.

  Attributes:
    patterns: Names of patterns.
    parameters: Trainable parameters of each.
    search_space: The space whose stems and levels they have.
  """

  patterns: tuple[str, ...]
  parameters: int
  search_space: str

  def architecture(self, pattern: str) -> str:
    """Returns the name of a network for --architecture of official.train."""
    return f"hand-made:{pattern}:{self.parameters}:{self.search_space}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
  """A study; attributes as in the file, see the docstring of this module."""

  name: str
  labels: tuple[str, ...] | None
  extract_flags: tuple[str, ...]
  training_flags: tuple[str, ...]
  search_flags: tuple[str, ...]
  population_size: int
  tournament_size: int
  candidates: int
  candidate_steps: int
  final_steps: int
  hand_made: HandMade
  arms: Mapping[str, Arm]

  @property
  def evolve_flags(self) -> tuple[str, ...]:
    """Flags of official.evolve that all arms have, but for data, folder and seed."""
    return (
      *self.search_flags,
      *self.training_flags,
      f"--population_size={self.population_size}",
      f"--tournament_size={self.tournament_size}",
      f"--rounds={self.candidates - self.population_size}",
      f"--candidate_steps={self.candidate_steps}",
      f"--final_steps={self.final_steps}",
      "--workers=1",
      "--threads_per_candidate=1",
      "--gpus_per_candidate=0",
    )


def load(path: str) -> Study:
  """Returns the study in a file.

  Raises:
    UserError: There is none.
  """
  try:
    with open(path, encoding="utf-8") as file:
      content: dict[str, Any] = json.load(file)
    arms = {name: Arm(name=name, **_tuples(arm)) for name, arm in content.pop("arms").items()}
    hand_made = HandMade(**_tuples(content.pop("hand_made")))
    return Study(arms=arms, hand_made=hand_made, **_tuples(content))
  except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
    raise cli.UserError(
      f"--study={path} is no study ({error}); give a file such as tools/study/avletters.json"
    ) from error


def chosen(flag: str, asked: Sequence[str], there: Sequence[str]) -> list[str]:
  """Returns what was asked for, or all; UserError where something is not there."""
  unknown = [name for name in asked if name not in there]
  if unknown:
    raise cli.UserError(f"--{flag}={unknown[0]} is unknown; there are {', '.join(there)}")
  return list(asked or there)


def _tuples(content: Mapping[str, Any]) -> dict[str, Any]:
  return {
    name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
  }
