"""A search that starts from the results of an earlier one: `--start_from=MODEL_DIR`.

The best architectures of the earlier run are the first candidates of the new one, its founders;
they are trained again, because data, steps and seed may differ. The space may differ, too: only
those that it contains are used (official/architecture/membership.py); the others are reported.

The earlier run may go on meanwhile and find better ones, so that the founders of a run are chosen
once: they stand in its search.json, and are read from there when it resumes.
"""

from collections.abc import Callable, Sequence
import dataclasses

from data_prep.common import cli
from official.architecture import canonical
from official.architecture import cost
from official.architecture import membership
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.space import SearchSpace
from official.runs import trained
from official.runs.records import Founder
from official.runs.records import Result
from official.runs.records import RunFlags
from official.runs.run_directory import RunDirectory
from official.search import objectives
from official.search.front import Front
from official.search.population import Member

_TOLD = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refinement:
  """The part of search.json about a search that starts from an earlier one.

  Attributes:
    model_dir: The earlier run.
    founders: Its best that fit, best first; None if the new run was begun without an earlier one.
  """

  model_dir: str
  founders: tuple[Founder, ...] | None

  def to_json(self) -> dict[str, object]:
    """Returns the value of `start_from` in search.json."""
    founders = self.founders
    return {
      "model_dir": self.model_dir,
      "founders": None if founders is None else [founder._asdict() for founder in founders],
    }


def begin(
  run: RunDirectory,
  model_dir: str,
  count: int,
  space: SearchSpace,
  clip: cost.Clip,
  say: Callable[[str], None] = lambda text: None,
) -> Refinement:
  """Returns the earlier run and the founders that were chosen from it, the best first.

  If the new run was begun already, they are the founders that it recorded.

  Args:
    run: The new run; need not exist.
    model_dir: The earlier run.
    count: Founders at most.
    space: The new search's.
    clip: What the new search builds networks for.
    say: Told, line by line, which architectures are left out and why.

  Raises:
    UserError: As `founders` does.
  """
  recorded = run.recorded()
  if recorded is None:
    found = founders(model_dir, count, space, clip, say)
    chosen: tuple[Founder, ...] | None = tuple(
      Founder(number, serialization.to_json(architecture)) for number, architecture in found.items()
    )
  else:
    chosen = recorded.founders()
  return Refinement(model_dir=model_dir, founders=chosen)


def founders(
  model_dir: str,
  count: int,
  space: SearchSpace,
  clip: cost.Clip,
  say: Callable[[str], None] = lambda text: None,
) -> dict[int, Architecture]:
  """Returns the best architectures of an earlier run by candidate, all different, best first;
  `count` at most.

  Best is what the earlier run's own fitness says; of a run with several objectives, its front comes
  first, and of a front that is larger than `count`, members far apart. Those are left out that read
  streams which the dataset does not have, or that break a rule of the space.

  Args:
    model_dir: The earlier run, which may be at work.
    count: Architectures at most; at least 1.
    space: The new search's.
    clip: What the new search builds networks for.
    say: Told, line by line, which architectures are left out and why.

  Raises:
    UserError: The folder is no run, has no feasible result, or none of its architectures fits.
  """
  run = RunDirectory(model_dir)
  ranked = _ranked(run, model_dir, count)
  found: dict[int, Architecture] = {}
  seen: set[str] = set()
  objections: list[tuple[int, str]] = []
  for number in ranked:
    architecture = _read(run, number, model_dir)
    digest = canonical.digest(architecture, clip.num_frames)
    if digest in seen:
      continue
    seen.add(digest)
    objection = _objection(architecture, space, clip)
    if objection is not None:
      objections.append((number, objection))
      continue
    found[number] = architecture
    if len(found) == count:
      break
  if not found:
    raise cli.UserError(
      f"--start_from={model_dir}: none of its {len(objections)} architectures fits; the best "
      f"{objections[0][1]}; choose another --search_space or another run (the best is candidate "
      f"{objections[0][0]:06d})"
    )
  for number, objection in objections[:_TOLD]:
    say(f"--start_from={model_dir}: candidate {number:06d} is left out: it {objection}")
  if len(objections) > _TOLD:
    say(f"--start_from={model_dir}: {len(objections) - _TOLD} others are left out, too")
  return found


def _ranked(run: RunDirectory, model_dir: str, count: int) -> list[int]:
  """Returns the numbers of the feasible candidates, best first."""
  try:
    recorded = run.recorded()
    if recorded is None:
      raise cli.UserError("no run, it has no search.json; give the --model_dir of an earlier run")
    results = [run.read_finished(number) for number in range(run.count())]
    ranked = trained.ranked(results)
    first = _front(recorded, [results[number] for number in ranked], count)
  except cli.UserError as error:
    raise cli.UserError(f"--start_from={model_dir}: {error}") from error
  if not ranked:
    raise cli.UserError(
      f"--start_from={model_dir}: none of its {len(results)} candidates has "
      "finished as feasible; wait for the first, or give another run"
    )
  return [*first, *(number for number in ranked if number not in first)]


def _front(recorded: RunFlags, ranked: Sequence[Result | None], count: int) -> list[int]:
  """Returns the numbers of at most `count` of the front of a run; none with a single objective."""
  fitness, asked = recorded.identity.get("fitness"), recorded.identity.get("objectives")
  if not isinstance(fitness, str) or not isinstance(asked, str):
    return []
  costs = objectives.parse(asked, fitness)
  front = Front()
  for age, result in enumerate(ranked):
    assert result is not None and result.fitness is not None  # It is ranked.
    whose = f"candidate {result.number:06d}"
    member = Member(
      number=result.number,
      fitness=result.fitness,
      loss=result.loss,
      age=age,
      costs=objectives.costs_of(result, costs, whose),
    )
    front = front.admit(member, 0)
  return [member.number for member in front.spread(count)]


def _read(run: RunDirectory, number: int, model_dir: str) -> Architecture:
  try:
    return run.read_architecture(number)
  except cli.UserError as error:
    raise cli.UserError(
      f"--start_from={model_dir}: the architecture of candidate {number:06d} "
      f"cannot be read ({error}); give another run"
    ) from error


def _objection(architecture: Architecture, space: SearchSpace, clip: cost.Clip) -> str | None:
  """Says why the new search cannot train an architecture, None if it can."""
  missing = sorted(set(architecture.streams) - set(clip.streams))
  if missing:
    return (
      f"reads the streams {', '.join(missing)}, and the dataset has "
      f"{', '.join(sorted(clip.streams))}"
    )
  return membership.objection(space, architecture, clip)
