"""Names of scores, as --scores takes them."""

import pytest

from data_prep.common import cli
from official.training import score_names


@pytest.mark.parametrize(
  ("text", "names"),
  [
    (None, ()),
    ("", ()),
    ("synflow, naswot", ("naswot", "synflow")),
    ("naswot,naswot", ("naswot",)),
    ("all", score_names.SCORES),
  ],
)
def test_names_are_sorted_and_all_is_all_of_them(text, names):
  assert score_names.parse(text) == names


def test_an_unknown_score_is_refused():
  with pytest.raises(cli.UserError, match="--scores=luck: there is no score 'luck'; give all, or"):
    score_names.parse("luck")
