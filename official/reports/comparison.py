"""Several runs side by side: groups that differ in their seed alone, flags, metrics, ancestors.

Runs whose recorded identity is the same but for the seed are a *group*: what differs within it is
luck. Architectures are the same if their canonical forms are (official.architecture.canonical),
whatever their blocks are called.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import os
import string
from typing import NamedTuple

from data_prep.common import cli
from data_prep.common import intervals
from official.architecture import canonical
from official.reports import curves
from official.reports import facts
from official.reports import words
from official.tasks import baselines

_SEED = "seed"
_LONGEST = 48  # Characters of a value that are shown.
_NOT_RECORDED = "\N{EN DASH}"


class Metric(NamedTuple):
  """A metric on the test clips, and its 95 % interval where it is a share of right answers."""

  name: str
  value: float
  low: float | None = None
  high: float | None = None
  clips: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compared:
  """One of the runs.

  Attributes:
    label: The end of its path that tells it from the others.
    run: What is known of it.
    curve: The best so far, of a search.
  """

  label: str
  run: facts.Run
  curve: curves.Curve | None

  @property
  def best(self) -> float | None:
    """The best fitness in the search, as people know it; None where there is none."""
    if self.curve is None:
      return None
    return next((value for value in reversed(self.curve.best) if value is not None), None)

  @property
  def seed(self) -> int | None:
    """The seed, if it is recorded."""
    seed = self.run.recorded.identity.get(_SEED)
    return seed if isinstance(seed, int) else None

  @property
  def test(self) -> Metric | None:
    """What the final training came to on the test clips, None where it did not."""
    final = self.run.final
    metrics = ((final.metrics if final else None) or {}).get("test") or {}
    baseline = final.baselines.get("test") if final else None
    if (
      baseline is None and self.run.info and self.run.spec and "test" in self.run.info.splits
    ):  # As in runs of older versions.
      baseline = baselines.of_split(self.run.spec, self.run.info, "test")
    name = baseline.metric if baseline else self.run.fitness
    if metrics.get(name) is None:
      name = next((each for each, value in metrics.items() if value is not None), "")
    value = metrics.get(name)
    if value is None:
      return None
    if baseline is None or baseline.metric != name or not baseline.clips:
      return Metric(name, value)
    right = min(max(round(value * baseline.clips), 0), baseline.clips)
    return Metric(name, value, *intervals.wilson(right, baseline.clips), baseline.clips)

  @property
  def processor_hours(self) -> float | None:
    """Processor time of all trainings of candidates; None where it is unknown."""
    run = self.run
    timings = [
      *run.timings.values(),
      *(each for some in run.rung_timings.values() for each in some),
    ]
    seconds = sum(each.processor_seconds or 0.0 for each in timings)
    return seconds / 3600 if seconds else None

  @property
  def hours(self) -> float | None:
    """Hours of searching; None where they are unknown."""
    seconds = self.run.timing.searched_seconds
    return seconds / 3600 if seconds else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
  """Runs that differ in their seed alone; `label` is what their labels have in common."""

  label: str
  members: tuple[Compared, ...]


class Difference(NamedTuple):
  """A flag that differs, and its value in each group, in order."""

  flag: str
  values: tuple[str, ...]


class Sighting(NamedTuple):
  """An architecture in one of the runs.

  Attributes:
    label: The run's.
    number: The candidate's.
    fitness: As people know it, or None.
    role: "winner", "ancestor of the winner", or nothing.
  """

  label: str
  number: int
  fitness: float | None
  role: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
  """What is shown of several runs.

  Attributes:
    groups: In the order in which the first of each was given.
    differences: Flags that differ between groups.
    shared: Architectures that several runs have trained, each with where; those that are ancestors
      of a winner, or winners, come first.
    notes: What makes the runs hard to compare.
  """

  groups: tuple[Group, ...]
  differences: tuple[Difference, ...]
  shared: tuple[tuple[Sighting, ...], ...]
  notes: tuple[str, ...]

  @property
  def runs(self) -> tuple[Compared, ...]:
    """All runs, group by group."""
    return tuple(member for group in self.groups for member in group.members)


def read(folders: Sequence[str]) -> Comparison:
  """Returns what is known of runs; UserError if there is none in one of the folders."""
  compared = []
  for label, folder in zip(labels(folders), folders, strict=True):
    run = _read(folder)
    curve = curves.of(run) if run.is_search else None
    compared.append(Compared(label=label, run=run, curve=curve))
  groups = _groups(compared)
  return Comparison(
    groups=groups,
    differences=_differences(groups),
    shared=_shared(compared),
    notes=tuple(_notes(compared)),
  )


def _read(folder: str) -> facts.Run:
  try:
    return facts.read(folder)
  except cli.UserError as error:
    raise cli.UserError(str(error).removeprefix("--model_dir=")) from error


def labels(folders: Sequence[str]) -> list[str]:
  """Returns the shortest ends of paths that are all different.

  >>> labels(["/runs/a/0", "/runs/a/1", "/runs/b/0"])
  ['a/0', 'a/1', 'b/0']
  """
  parts = [os.path.abspath(folder).strip(os.sep).split(os.sep) for folder in folders]
  for count in range(1, max(map(len, parts), default=1) + 1):
    ends = ["/".join(each[-count:]) for each in parts]
    if len(set(ends)) == len(ends):
      return ends
  return [f"{'/'.join(each)} ({place})" for place, each in enumerate(parts, start=1)]


def _identity(run: facts.Run) -> dict[str, object]:
  return {name: value for name, value in run.recorded.identity.items() if name != _SEED}


def _groups(compared: Sequence[Compared]) -> tuple[Group, ...]:
  found: dict[str, list[Compared]] = {}
  for each in compared:
    found.setdefault(json.dumps(_identity(each.run), sort_keys=True), []).append(each)
  return tuple(Group(label=_label(members), members=tuple(members)) for members in found.values())


def _label(members: Sequence[Compared]) -> str:
  if len(members) == 1:
    return members[0].label
  common = os.path.commonpath([member.label for member in members])
  return common or f"{members[0].label} and {len(members) - 1} more"


def _flat(values: Mapping[str, object], before: str = "") -> dict[str, object]:
  """Returns settings by name, those within others as `search_space.levels`."""
  found: dict[str, object] = {}
  for name, value in values.items():
    if isinstance(value, Mapping) and value:
      found |= _flat(value, f"{before}{name}.")
    else:
      found[before + name] = value
  return found


def _differences(groups: Sequence[Group]) -> tuple[Difference, ...]:
  """Returns the flags that differ between groups; operation counts where it decides what is found,
  as the number of rounds does."""
  settings = [
    _flat({**group.members[0].run.recorded.operation, **_identity(group.members[0].run)})
    for group in groups
  ]
  names = dict.fromkeys(name for each in settings for name in each)
  found = []
  for name in names:
    texts = [_text(each[name]) if name in each else _NOT_RECORDED for each in settings]
    if len(set(texts)) > 1:
      found.append(Difference(name, tuple(_shortened(texts))))
  return tuple(found)


def _text(value: object) -> str:
  return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _shortened(texts: Sequence[str]) -> list[str]:
  """Returns texts that are no longer than can be shown; where that makes different ones look alike,
  they get letters."""
  different = list(dict.fromkeys(texts))
  short = {
    text: text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in different
  }
  if len(set(short.values())) < len(short) <= len(string.ascii_uppercase):
    for letter, text in zip(string.ascii_uppercase, different):
      short[text] = f"{letter}: {short[text]}"
  return [short[text] for text in texts]


def _notes(compared: Sequence[Compared]) -> list[str]:
  def differ(name: str) -> bool:
    return len({str(each.run.recorded.identity.get(name)) for each in compared}) > 1

  notes = []
  if differ("data_dir"):
    notes.append("The runs read different datasets, so that their metrics do not compare.")
  if len({each.run.fitness for each in compared if each.run.is_search}) > 1:
    notes.append(
      "The runs maximise different fitnesses; curves are drawn of those that have the first run's."
    )
  for each in compared:
    if each.run.notes:
      count = words.count(len(each.run.notes), "file")
      notes.append(f"{each.label}: {count} could not be read; its report names them.")
  return notes


def _shared(compared: Sequence[Compared]) -> tuple[tuple[Sighting, ...], ...]:
  found: dict[str, list[Sighting]] = {}
  frames = {each.run.recorded.identity.get("num_frames") for each in compared}
  for each in compared:
    run = each.run
    roles = _roles(run)
    for number, candidate in run.candidates.items():
      # A recorded digest takes dilations beyond the clip for equal; clips may have other lengths.
      digest = candidate.digest if len(frames) == 1 else None
      architecture = None if digest else run.architecture(number)
      if architecture is not None:
        digest = canonical.digest(architecture)
      if digest:
        result = run.results.get(number)
        fitness = words.fitness(run, result.fitness) if result else None
        found.setdefault(digest, []).append(
          Sighting(each.label, number, fitness, roles.get(number, ""))
        )
  several = [
    tuple(sightings) for sightings in found.values() if len({each.label for each in sightings}) > 1
  ]
  return tuple(sorted(several, key=lambda sightings: -sum(bool(each.role) for each in sightings)))


def _roles(run: facts.Run) -> dict[int, str]:
  """Returns what the winner and its ancestors are, by number."""
  found: dict[int, str] = {}
  number = run.winner
  while number is not None and number not in found and number in run.candidates:
    found[number] = "ancestor of the winner" if found else "winner"
    number = run.candidates[number].parent
  return found
