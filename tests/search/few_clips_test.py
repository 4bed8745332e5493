"""The advice for a search that is judged by few clips."""

import pytest
import search_fakes

from official.search import few_clips


def advice(clips=25, has_margin=True, **changes):
  return few_clips.advice(search_fakes.settings(**changes), clips, has_margin)


def test_few_clips_are_told_with_the_flags_that_help():
  assert advice() == (
    "25 validation clips tell few networks apart; --fitness=margin --confirm=5:2 can be expected "
    "to choose a better one in as many trainings (docs/search.md, With few clips)"
  )


def test_flags_that_are_given_are_not_advised():
  assert "; --confirm=5:2 can" in advice(fitness="margin")
  assert "; --fitness=margin can" in advice(confirm="2:2")


def test_a_task_without_margin_is_not_advised_to_use_it():
  assert "; --confirm=5:2 can" in advice(has_margin=False)


@pytest.mark.parametrize(
  "facts",
  [
    {"clips": 101},
    {"fitness": "margin", "confirm": "2:2"},
    {"fitness": "loss"},
    {"objectives": "accuracy,params"},
  ],
)
def test_otherwise_nothing_is_said(facts):
  assert advice(**facts) is None
