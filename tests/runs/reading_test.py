"""Reading very many candidates: in order, and by many threads where the storage makes them wait."""

import threading
import time

import pytest

from official.runs import reading


@pytest.mark.parametrize("count", [0, 1, 16, 17, 3000])
def test_what_is_read_comes_in_order(count):
  assert list(reading.each(lambda number: number * 2, range(count))) == [
    number * 2 for number in range(count)
  ]


def test_a_storage_that_answers_at_once_is_read_by_one_thread(monkeypatch):
  monkeypatch.setattr(reading, "_SLOW_SECONDS", float("inf"))
  threads = set(reading.each(lambda number: threading.get_ident(), range(100)))
  assert threads == {threading.get_ident()}


def test_many_wait_at_the_same_time_for_a_slow_storage():
  together = threading.Barrier(8)

  def read(number):
    time.sleep(0.002)
    if number >= 16:  # Those after the first ones; 8 of them meet, or this breaks after a minute.
      together.wait(timeout=60)
    return number

  assert list(reading.each(read, range(16 + 32))) == list(range(16 + 32))


def test_an_error_is_raised_where_it_is_met():
  def read(number):
    time.sleep(0.002)
    if number == 40:
      raise ValueError("damaged")
    return number

  found = []
  with pytest.raises(ValueError, match="damaged"):
    for number in reading.each(read, range(100)):
      found.append(number)
  assert found == list(range(40))
