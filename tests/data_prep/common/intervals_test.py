"""The interval of Wilson, against published values and a brute-force search."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from data_prep.common import intervals


@pytest.mark.parametrize(
  "right, count, low, high",
  [
    (81, 263, 0.2553, 0.3662),  # Newcombe (1998), table I, method 3.
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
    (29, 29, 0.8830, 1.0),
  ],
)
def test_published_values(right, count, low, high):
  assert intervals.wilson(right, count) == (
    pytest.approx(low, abs=5e-5),
    pytest.approx(high, abs=5e-5),
  )


@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bounds_are_where_the_score_test_just_rejects(share):
  right, count = share
  low, high = intervals.wilson(right, count)
  assert 0 <= low <= right / count <= high <= 1
  for bound in (low, high):
    if 0 < bound < 1:
      deviation = abs(right / count - bound)
      limit = intervals.Z_95 * (bound * (1 - bound) / count) ** 0.5
      assert deviation == pytest.approx(limit, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("right, count", [(1, 0), (-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(right, count):
  with pytest.raises(ValueError, match=f"{right} of {count} is no share"):
    intervals.wilson(right, count)
