"""The value of --rungs."""

import pytest

from data_prep.common import cli
from official.search import rungs
from official.search import settings


@pytest.mark.parametrize(
  "text, steps",
  [
    ("R/9,R/3,R", "22,66,200"),
    ("50, R/2, 200", "50,100,200"),
    ("R/2,R", "100,200"),
  ],
)
def test_fractions_of_r_become_steps(text, steps):
  assert rungs.resolved(text, 200) == steps


@pytest.mark.parametrize(
  "text, message",
  [
    ("R", "--rungs=200 is a single rung, and promotion needs two or more"),
    (
      "R/9,R/3",
      "--rungs=R/9,R/3 ends after 66 steps, and --candidate_steps=200; let it end with R",
    ),
    ("R/3,R/9,R", "--rungs=66,22,200: 22 steps do not exceed 66; the steps of rungs must rise"),
    ("R/500,R", "--rungs=0,200: 0 steps do not exceed 0; the steps of rungs must rise"),
    ("a,R", "--rungs=a,R: 'a' is neither a number of steps nor R or a fraction such as R/3; give "),
    ("R/0,R", "--rungs=R/0,R: 'R/0' is neither a number of steps nor R or a fraction"),
    ("", "--rungs=: '' is neither a number of steps nor R"),
  ],
)
def test_what_is_no_list_of_rungs_is_told_in_one_line(text, message):
  with pytest.raises(cli.UserError) as error:
    rungs.resolved(text, 200)
  assert str(error.value).startswith(message)
  assert "\n" not in str(error.value)


def test_a_search_without_rungs_records_nothing_of_them():
  assert not {"rungs", "rung_schedule"} & set(settings.SearchSettings().identity())


def test_rungs_decide_what_is_found():
  some = settings.SearchSettings(rungs="2,5", rung_schedule="whole")
  assert some.rung_steps == (2, 5)
  assert some.identity()["rungs"] == "2,5"
  assert some.identity()["rung_schedule"] == "whole"


def test_a_schedule_of_rungs_without_rungs_is_refused():
  with pytest.raises(cli.UserError, match="--rung_schedule=whole has no effect without --rungs"):
    settings.SearchSettings(rung_schedule="whole")
