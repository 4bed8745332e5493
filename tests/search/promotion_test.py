"""Promotion over rungs: no barrier, no starvation, and the same decisions from the same files."""

import random

import hypothesis
from hypothesis import strategies

from official.search import promotion
from official.search.promotion import Step

RUNGS = 3


def ladder(*judged, promoted=()):
  """Returns the ladder of (number, rung, fitness) in this order; rungs are 0 and 1, and 2 the
  last."""
  made = promotion.Ladder(RUNGS)
  for order, (number, rung, fitness) in enumerate(judged):
    made.judge(number, rung, (-fitness, order))
  for step in promoted:
    made.promote(step)
  return made


def decide(made, may_begin=True, is_over=False, in_flight=0, lacking=1):
  return promotion.decide(
    made, may_begin=may_begin, is_over=is_over, in_flight=in_flight, lacking=lacking
  )


def test_two_results_promote_nobody():
  assert decide(ladder((0, 0, 0.5), (1, 0, 0.9))) == "begin"


def test_the_best_of_three_is_promoted():
  assert decide(ladder((0, 0, 0.5), (1, 0, 0.9), (2, 0, 0.1))) == Step(number=1, rung=1)


def test_the_second_of_three_is_not_promoted():
  judged = (0, 0, 0.5), (1, 0, 0.9), (2, 0, 0.1)
  assert decide(ladder(*judged, promoted=[Step(number=1, rung=1)])) == "begin"


def test_a_better_newcomer_is_promoted_though_the_place_was_taken():
  judged = (0, 0, 0.5), (1, 0, 0.9), (2, 0, 0.1), (3, 0, 0.95)
  assert decide(ladder(*judged, promoted=[Step(number=1, rung=1)])) == Step(number=3, rung=1)


def test_the_first_of_equals_is_promoted():
  assert decide(ladder((0, 0, 0.1), (2, 0, 0.9), (1, 0, 0.9))) == Step(number=2, rung=1)


def test_the_highest_rung_comes_first():
  low = [(number, 0, number / 100) for number in range(9)]
  high = [(number, 1, 0.5) for number in (8, 7, 6)]
  promoted = [Step(number=number, rung=1) for number in (8, 7, 6)]
  better = [(9, 0, 0.99)]
  assert decide(ladder(*low, *high, *better, promoted=promoted)) == Step(number=8, rung=2)


def test_without_rounds_a_worker_waits_for_those_in_flight_and_then_ends():
  some = ladder((0, 0, 0.5), (1, 0, 0.9))
  assert decide(some, may_begin=False, in_flight=1) == "wait"
  assert decide(some, may_begin=False, lacking=0) == "end"


def test_a_search_that_lacks_a_winner_trains_its_best_on():
  assert decide(ladder((0, 0, 0.5), (1, 0, 0.9)), may_begin=False) == Step(number=1, rung=1)


def test_a_budget_that_is_used_up_ends_promotion_by_right():
  three = ladder((0, 0, 0.5), (1, 0, 0.9), (2, 0, 0.1))
  assert decide(three, is_over=True, lacking=0) == "end"
  assert decide(three, is_over=True, in_flight=2) == "wait"


def test_without_rungs_nothing_is_promoted():
  assert decide(promotion.Ladder(0)) == "begin"
  assert decide(promotion.Ladder(0), may_begin=False) == "end"


def test_who_is_below_the_last_place_that_can_rise_has_no_hope():
  made = promotion.Ladder(RUNGS)
  for number, fitness in enumerate((0.5, 0.9, 0.1)):
    made.judge(number, 0, (-fitness, number))
  assert [made.may_rise(number, 6) for number in range(3)] == [True, True, False]
  assert list(made.hopeless(6)) == [2]


class Search:
  """A search in which trainings take their time, and what it leaves in files.

  Attributes:
    results: (number, rung, fitness) in the order of finishing; rung 2 is the last.
    decisions: What free workers did, and how many results were known then.
    waited: Whether a worker waited although there were rounds left.
  """

  def __init__(self, candidates: int, workers: int, rng: random.Random):
    self.results, self.decisions, self.waited = [], [], False
    self._candidates, self._begun, self._finished = candidates, 0, 0
    self._ladder, self._flying = promotion.Ladder(RUNGS), []
    while True:
      while len(self._flying) < workers and self._hand_out():
        pass
      if not self._flying:
        return
      self._finish(*self._flying.pop(rng.randrange(len(self._flying))), rng)

  def _hand_out(self) -> bool:
    may_begin = self._begun < self._candidates
    step = decide(self._ladder, may_begin, in_flight=len(self._flying), lacking=1 - self._finished)
    if step in ("wait", "end"):
      self.waited |= may_begin
      return False
    self.decisions.append((len(self.results), step))
    if step == "begin":
      self._flying.append((self._begun, 0))
      self._begun += 1
    else:
      self._ladder.promote(step)
      self._flying.append((step.number, step.rung))
    return True

  def _finish(self, number: int, rung: int, rng: random.Random) -> None:
    fitness = rng.randrange(8) / 8
    order = len(self.results)
    self.results.append((number, rung, fitness))
    if rung < RUNGS - 1:
      self._ladder.judge(number, rung, (-fitness, order))
    else:
      self._finished += 1


searches = strategies.builds(
  Search,
  strategies.integers(1, 60),
  strategies.integers(1, 5),
  strategies.randoms(use_true_random=False),
)


@hypothesis.given(searches)
def test_nobody_waits_while_there_are_rounds(search):
  assert not search.waited
  assert len({number for number, rung, _ in search.results if rung == 0}) == search._candidates


@hypothesis.given(searches)
def test_everybody_in_the_best_third_of_a_rung_was_promoted_in_the_end(search):
  promoted = {(number, rung) for number, rung, _ in search.results if rung}
  for rung in range(RUNGS - 1):
    ranked = sorted(
      (-fitness, order, number)
      for order, (number, at, fitness) in enumerate(search.results)
      if at == rung
    )
    assert {(number, rung + 1) for _, _, number in ranked[: len(ranked) // 3]} <= promoted


@hypothesis.given(searches)
def test_somebody_finishes_the_last_rung(search):
  assert any(rung == RUNGS - 1 for _, rung, _ in search.results)


@hypothesis.given(searches)
def test_nobody_is_trained_twice_to_a_rung_or_leaves_one_out(search):
  ways: dict[int, list[int]] = {}
  for number, rung, _ in search.results:
    ways.setdefault(number, []).append(rung)
  assert all(rungs == list(range(len(rungs))) for rungs in ways.values())


@hypothesis.given(searches, strategies.randoms(use_true_random=False))
def test_the_files_that_were_known_give_the_decision_again(search, rng):
  for index, (known, step) in enumerate(search.decisions):
    if index % 5 and index < len(search.decisions) - 3:
      continue  # A sample: each is built from nothing.
    order = list(enumerate(search.results[:known]))
    rng.shuffle(order)
    made = promotion.Ladder(RUNGS)
    for place, (number, rung, fitness) in order:
      if rung < RUNGS - 1:
        made.judge(number, rung, (-fitness, place))
    before = [each for _, each in search.decisions[:index]]
    for each in before:
      if each != "begin":
        made.promote(each)
    in_flight = index - known
    finished = sum(rung == RUNGS - 1 for _, rung, _ in search.results[:known])
    may_begin = before.count("begin") < search._candidates
    assert decide(made, may_begin, in_flight=in_flight, lacking=1 - finished) == step


@hypothesis.given(searches)
def test_nobody_who_was_promoted_by_right_had_lost_hope_before(search):
  made, place = promotion.Ladder(RUNGS), 0
  for known, step in search.decisions:
    for number, rung, fitness in search.results[place:known]:
      if rung < RUNGS - 1:
        made.judge(number, rung, (-fitness, place))
      place += 1
    if step != "begin":
      if step == made.promotable():
        assert made.may_rise(step.number, search._candidates)
      made.promote(step)


def test_half_a_search_is_expected_to_be_saved():
  assert promotion.expected(200, 3) == [200, 66, 22]
  assert promotion.expected(4, 3) == [4, 1, 1]
  assert promotion.expected(7, 1) == [7]
