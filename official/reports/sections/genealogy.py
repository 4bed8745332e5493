"""Genealogy: who came from whom, the ancestors of the winner, and what changed at every birth."""

from official.reports import descent
from official.reports import facts
from official.reports import genealogy
from official.reports import page
from official.reports import words
from official.runs import fitness as fitness_lib


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None for a run without children or without any fitness."""
  family = of_run(run)
  children = [number for number in family.candidates if family.parent(number) is not None]
  if not children or not family.fitness:
    return None
  parts: list[page.Part] = [page.Text(_sentence(family, children))]
  for winner in family.winners[:1]:
    if len(line := family.line(winner)) > 1:
      parts.append(page.Items([_step(family, number) for number in line]))
  thinned = len(family.candidates) > genealogy.MANY
  parts.append(
    page.Figure(
      "genealogy",
      "Who came from whom",
      "A point is a candidate: filled if it is a child, hollow if it was drawn at random or taken "
      "over, and a star if it is a winner. Lines lead from parent to child; those to ancestors of "
      "a winner are bold, and say how many connections were added (+) and dropped (−) and which "
      "operators changed blocks. Marks at the lower edge are candidates without a fitness."
      + (
        f" Of {len(family.candidates):,} candidates, only the ancestors of the winners and of the "
        f"{genealogy.BEST} best have lines."
        if thinned
        else ""
      ),
      genealogy.draw(family),
      _table(run, family),
    )
  )
  return page.Section("genealogy", "Genealogy", parts)


def of_run(run: facts.Run) -> genealogy.Genealogy:
  """Returns the genealogy of a run."""
  members = [member.candidate for member in run.final.members or ()] if run.final else []
  winners = members or ([] if run.winner is None else [run.winner])
  return genealogy.Genealogy(
    candidates=run.candidates,
    fitness={
      number: shown
      for number, result in run.results.items()
      if result.status == "ok" and (shown := words.fitness(run, result.fitness)) is not None
    },
    states={number: run.state_of(number) for number in run.candidates},
    winners=winners,
    name=run.fitness,
    higher_is_better=fitness_lib.higher_is_better(run.fitness),
  )


def _sentence(family: genealogy.Genealogy, children: list[int]) -> str:
  sign = 1 if family.higher_is_better else -1
  gains = [gain for number in children if (gain := family.gain(number)) is not None]
  better = sum(sign * gain > 0 for gain in gains)
  text = (
    f"{words.count(len(children), 'candidate')} of {len(family.candidates):,} "
    f"{'is a child' if len(children) == 1 else 'are children'}; {better} of "
    f"{len(gains)} did better than their parent."
  )
  if family.winners and (line := family.line(family.winners[0])):
    generations = len(line) - 1
    text += f" The winner, {words.candidate(line[-1])}, " + (
      f"is {words.count(generations, 'generation')} away from {words.candidate(line[0])}:"
      if generations
      else "has no parent in this run."
    )
  return text


def _step(family: genealogy.Genealogy, number: int) -> str:
  fitness, gained = family.fitness.get(number), family.gain(number)
  gain = "" if gained is None else f" ({gained:+.4f})"
  value = "without a fitness" if fitness is None else f"{family.name} {fitness:.4f}{gain}"
  return f"{words.candidate(number)}, {value}: {descent.sentence(family.candidates[number])}"


def _table(run: facts.Run, family: genealogy.Genealogy) -> page.Table:
  rows: list[tuple[page.Cell, ...]] = []
  for number, candidate in family.candidates.items():
    rows.append(
      (
        page.Link(words.candidate(number), f"{run.candidate_folder(number)}/candidate.json"),
        None if candidate.parent is None else words.candidate(candidate.parent),
        family.fitness.get(number),
        family.gain(number),
        descent.sentence(candidate),
      )
    )
  return page.Table(
    "Every candidate, and what changed from its parent",
    ("candidate", "parent", family.name, "gain over the parent", "how it came about"),
    rows,
    sortable=True,
  )
