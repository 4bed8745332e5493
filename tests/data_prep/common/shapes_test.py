"""Shapes describe JSON files and find what is wrong with them."""

import hypothesis
from hypothesis import strategies as st
import pytest

from data_prep.common import cli
from data_prep.common import shapes

SHAPE = {
  "number": int,
  "status": frozenset({"ok", "failed"}),
  "loss?": float,
  "weights?": [{"source": str, "end?": float}],
  "metrics?": {str: {"loss": float}},
}


@pytest.mark.parametrize(
  "text",
  [
    '{"number": 1, "status": "ok"}',
    '{"number": 1, "status": "failed", "loss": null, "more": [1]}',
    '{"number": 1, "status": "ok", "loss": 2, "weights": [{"source": "a", "end": null}],'
    ' "metrics": {"test": {"loss": 0.5}}}',
  ],
)
def test_what_has_the_shape_is_returned(text):
  assert shapes.parse(text, SHAPE, "f.json", "delete it")["number"] == 1


@pytest.mark.parametrize(
  "content, told",
  [
    ("", "f.json cannot be read: it is empty; delete it"),
    (
      "{",
      "f.json cannot be read: it is no JSON (Expecting property name enclosed in double quotes:",
    ),
    (b"\xff\xfe\x00binary", "f.json cannot be read: it is no JSON ("),
    ("[" * 100_000, "f.json cannot be read: it is no JSON ("),
    ("null", "f.json is damaged: it is null, not an object; delete it"),
    ("[]", "f.json is damaged: it is [], not an object; delete it"),
    ("{}", "f.json is damaged: number is missing; delete it"),
    ('{"number": true, "status": "ok"}', "f.json is damaged: number is true, not an integer"),
    (
      '{"number": 1, "status": "fine"}',
      'f.json is damaged: status is "fine", not one of failed, ok',
    ),
    ('{"number": 1, "status": null}', "f.json is damaged: status is null, not one of failed, ok"),
    (
      '{"number": 1, "status": "ok", "weights": [{}]}',
      "f.json is damaged: weights[0].source is missing",
    ),
    (
      '{"number": 1, "status": "ok", "weights": [{"source": "a"}, {"source": "b", "end": true}]}',
      "f.json is damaged: weights[1].end is true, not a number",
    ),
    (
      '{"number": 1, "status": "ok", "metrics": {"test": 3}}',
      "f.json is damaged: metrics.test is 3, not an object",
    ),
  ],
)
def test_what_is_damaged_is_told_with_path_field_and_remedy(content, told):
  with pytest.raises(cli.UserError) as raised:
    shapes.parse(content, SHAPE, "f.json", "delete it")
  assert str(raised.value).startswith(told)
  assert str(raised.value).endswith("; delete it")


_NAMES = st.sampled_from(["a", "b", "ok"])
_VALUES = st.recursive(
  st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 2) | _NAMES,
  lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
  max_leaves=8,
)
_SHAPES = st.recursive(
  st.sampled_from([str, int, float, bool, None, object, frozenset({"ok"})]),
  lambda inner: (
    st.tuples(inner, inner)
    | inner.map(lambda one: [one])
    | inner.map(lambda one: {str: one})
    | st.dictionaries(st.sampled_from(["a", "b", "a?", "ok?"]), inner, min_size=1, max_size=3)
  ),
  max_leaves=6,
)


@hypothesis.settings(max_examples=500, deadline=None, derandomize=True)
@hypothesis.given(value=_VALUES, shape=_SHAPES)
def test_the_fast_check_finds_what_the_one_that_explains_finds(value, shape):
  assert shapes._fits(value, shape) == (shapes._wrong(value, shape, "") is None)
