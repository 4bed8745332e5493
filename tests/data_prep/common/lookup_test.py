"""Tables of values by name, and modules that add to them."""

import pytest

from data_prep.common import lookup

TABLE = {"b": 2, "a": 1}


def test_a_value_is_added_and_found():
  table = dict(TABLE)
  assert lookup.add(table, "c", 3, "number") == 3
  assert lookup.get(table, "c", "number", "numbers") == 3


def test_a_name_is_taken_once():
  with pytest.raises(ValueError, match="^there is already an odd number 'a'$"):
    lookup.add(dict(TABLE), "a", 3, "odd number")


def test_an_unknown_name_lists_the_known():
  with pytest.raises(ValueError, match="^unknown number 'c.d'; the numbers are a, b$"):
    lookup.get(TABLE, "c.d", "number", "numbers")


def test_others_than_those_of_the_table_may_be_known():
  with pytest.raises(ValueError, match="; the numbers are a, b, z$"):
    lookup.get(TABLE, "c", "number", "numbers", names={"z", *TABLE})


def test_a_name_with_a_dot_imports_its_module(tmp_path, monkeypatch):
  (tmp_path / "silent_numbers.py").write_text("")
  monkeypatch.syspath_prepend(tmp_path)
  with pytest.raises(ValueError, match="module silent_numbers registers none of that name"):
    lookup.get(TABLE, "silent_numbers.c", "number", "numbers", needed="here")
  with pytest.raises(ValueError, match="absent_numbers must be importable here .PYTHONPATH."):
    lookup.get(TABLE, "absent_numbers.c", "number", "numbers", needed="here")
