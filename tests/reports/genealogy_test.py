"""The genealogy: ancestors of the winner, what changed, and thousands of candidates."""

import re

import pytest

from official.reports import facts
from official.reports import genealogy
from official.reports import page
from official.reports.sections import genealogy as section
from official.runs.records import Candidate

CHILD = {"kept": [{}] * 3, "pruned": [{}] * 2, "added": [{}], "operators": []}


def _family(parents, fitness, **fields):
  candidates = {
    number: Candidate(
      number=number,
      seed=0,
      architecture={},
      parent=parent,
      child=None if parent is None else CHILD,
    )
    for number, parent in enumerate(parents)
  }
  return genealogy.Genealogy(
    candidates=candidates,
    fitness=fitness,
    states=dict.fromkeys(candidates, "ok") | {n: "failed" for n in candidates if n not in fitness},
    **{"winners": [max(fitness, key=fitness.get)], "name": "accuracy", **fields},
  )


def test_a_line_goes_from_the_oldest_ancestor():
  family = _family([None, None, 0, 2, 1], {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4})
  assert family.line(3) == [0, 2, 3]
  assert family.ancestors([3, 4]) == {0, 1, 2, 3, 4}
  assert family.gain(3) == pytest.approx(0.1)
  assert (family.gain(4), family.gain(0)) == (None, None)


def test_damaged_parents_end_a_line():
  family = _family([None, 1, 9], {0: 0.1, 1: 0.2, 2: 0.3})  # Its own parent; one that is missing.
  assert family.line(1) == [1]
  assert family.line(2) == [2]


def test_the_best_of_a_loss_are_the_smallest():
  family = _family([None, None], {0: 0.1, 1: 0.2}, higher_is_better=False)
  assert family.best(1) == [0]


def test_every_candidate_can_be_asked_and_every_change_too():
  family = _family([None, None, 0, 2], {0: 0.1, 1: 0.2, 2: 0.3})
  svg = genealogy.draw(family).svg()
  assert "000002, accuracy 0.3000; child of 000000: kept 3 of 5 connections" in svg
  assert "000003, failed; child of 000002" in svg
  assert "000000 to 000002: kept 3 of 5 connections, dropped 2, added 1" in svg
  assert ">+1 −2</text>" in svg
  assert svg == genealogy.draw(family).svg()


def test_thousands_of_candidates_become_dots_with_few_lines():
  parents = [None] * 20 + [(7 * number) % number for number in range(20, 2000)]
  family = _family(parents, {number: (37 * number) % 1999 / 2000 for number in range(2000)})
  svg = genealogy.draw(family).svg()
  assert len(re.findall(r"<title>\d{6} to \d{6}", svg)) < 20 * genealogy.BEST
  assert len(re.findall(r"<title>\d{6}, accuracy", svg)) == 2000
  assert len(svg) < 2e6


def test_the_section_tells_the_line_of_the_winner_and_every_child(finished_run):
  run = facts.read(str(finished_run))
  made = section.section(run)
  [figure] = page.figures(made.parts)
  assert len(figure.table.rows) == len(run.candidates)
  children = sum(candidate.parent is not None for candidate in run.candidates.values())
  assert made.parts[0].paragraph.startswith(f"{children} candidates of {len(run.candidates)} are")
  line = section.of_run(run).line(run.winner)
  told = [part for part in made.parts if isinstance(part, page.Items)]
  assert [text[:6] for text in (told[0].items if told else [])] == [
    f"{number:06d}" for number in line if len(line) > 1
  ]


def test_a_random_search_has_no_genealogy(finished_run, tmp_path):
  run = facts.read(str(finished_run))
  founders = {n: c for n, c in run.candidates.items() if c.parent is None}
  assert section.section(facts.Run(**{**vars_of(run), "candidates": founders})) is None


def vars_of(run):
  return {
    name: getattr(run, name)
    for name in ("folder", "recorded", "settings", "results", "asked", "final")
  }
