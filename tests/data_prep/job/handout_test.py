"""Elements are handed out to whichever worker is free."""

from concurrent import futures
import threading

import pytest

from data_prep.job import handout


def test_a_worker_does_what_it_is_given_where_nothing_is_shared():
  assert list(handout.due("folder", 3)) == [3]


def test_a_worker_that_is_free_takes_what_another_has_not_begun():
  begun = threading.Event()

  def slow():
    for element in handout.due("folder", None):
      begun.wait(30)
      return element

  def quick():
    taken = list(handout.due("folder", None))
    begun.set()
    return taken

  with handout.shared("folder", range(9)), futures.ThreadPoolExecutor(2) as pool:
    one, others = pool.submit(slow), pool.submit(quick)
    done = [one.result(), *others.result()]
  # The slow one may come when all is done.
  assert sorted(element for element in done if element is not None) == list(range(9))


def test_folders_do_not_mix():
  with handout.shared("a", [1]), handout.shared("b", [2]):
    assert list(handout.due("b", None)) == [2]
    assert list(handout.due("a", None)) == [1]


def test_after_a_failure_nothing_is_begun():
  with handout.shared("folder", [1, 2, 3]):
    with pytest.raises(OSError, match="full"), handout.stopped_by_failure("folder"):
      raise OSError("full")
    assert list(handout.due("folder", None)) == []
