"""Colours can be told from their ground, and from each other."""

import itertools

import pytest

from data_prep.common import page_colours
from official.reports import colours

MODES = ("light", "dark")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ground", sorted(page_colours.GROUNDS))
@pytest.mark.parametrize("name", sorted(page_colours.INKS | page_colours.SERIES))
def test_a_text_in_any_colour_can_be_read(name, ground, mode):
  one, other = (getattr(page_colours.PALETTE[each], mode) for each in (name, ground))
  assert page_colours.contrast(one, other) >= 4.5


def test_contrast_is_that_of_the_guidelines():
  assert page_colours.contrast("#ffffff", "#000000") == pytest.approx(21)
  assert page_colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_no_two_names_have_one_value(mode):
  """A page finds the name of a colour by its value."""
  values = [getattr(colour, mode) for colour in page_colours.PALETTE.values()]
  assert len(set(values)) == len(values)


def test_streams_keep_their_colours_in_any_company():
  assert colours.of_streams(["rgb", "flow"])["flow"] == colours.of_streams(["flow", "heat"])["flow"]


def test_streams_of_a_picture_differ():
  found = colours.of_streams(["rgb", "flow", "depth", "mask", "heat", "sound"])
  assert all(one != other for one, other in itertools.combinations(found.values(), 2))
