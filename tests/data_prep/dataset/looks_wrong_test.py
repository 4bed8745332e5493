"""Signs that something is wrong with a clip."""

import numpy as np
import pytest

from data_prep.dataset import looks_wrong
from data_prep.dataset import preview_lists
from data_prep.dataset.looks_wrong import Sign

_NOISE = np.random.default_rng(0).integers(0, 255, (4, 12, 16, 3)).astype(np.uint8)


def _kinds(pictures, frames=4) -> list[str]:
  return [kind for kind, _ in looks_wrong.in_pictures(list(pictures), frames)]


def test_pictures_that_differ_and_show_something_have_no_sign():
  assert _kinds(_NOISE) == []


def test_a_clip_whose_pictures_are_alike_is_still():
  assert _kinds([_NOISE[0]] * 4) == ["still"]
  hardly = _NOISE[0].copy()
  hardly[0, :8] ^= 1
  assert _kinds([_NOISE[0], hardly]) == ["still"]


def test_an_image_is_not_a_still_clip():
  assert _kinds([_NOISE[0]], frames=1) == []


def test_pictures_are_black_or_of_one_colour_if_half_of_them_are():
  black, blue = np.zeros_like(_NOISE[0]), np.full_like(_NOISE[0], (0, 0, 200))
  assert _kinds([black, _NOISE[0], black, _NOISE[1]]) == ["black"]
  assert _kinds([black, _NOISE[0], _NOISE[2], _NOISE[1]]) == []
  assert _kinds([blue, blue, _NOISE[0]]) == ["one colour"]


@pytest.mark.parametrize("share, said", [(0.04, []), (0.5, ["50% of its values reach the bound"])])
def test_flow_that_reaches_the_bound_is_extreme(share, said):
  assert [about for _, about in looks_wrong.in_flow(share)] == said


def test_equal_frames_are_duplicates_and_those_of_another_split_a_leak():
  frames = {"rgb": [b"a", b"b"]}
  content = looks_wrong.digest(frames)
  assert content == looks_wrong.digest({"rgb": [b"a", b"b"]})
  assert content != looks_wrong.digest({"rgb": [b"ab", b""]})
  seen = looks_wrong.Duplicates()
  assert seen.look("one", "train", content) == []
  assert seen.look("two", "train", content) == [("duplicate", "of one")]
  ((_, about),) = seen.look("three", "test", content)
  assert about == "of one, in the split train: the splits share it"


def test_the_page_lists_signs_with_links_to_the_clips_that_it_shows():
  found = [Sign("still", "<a>", "train", "x < y"), Sign("black", "b", "test", "8 of 8 pictures")]
  page = preview_lists.signs(found, 9, {"<a>": "class-0-1"})
  assert "2 of the 9 clips that were read" in page
  assert '<a href="#class-0-1">&lt;a&gt;</a></td><td>train</td><td>x &lt; y</td>' in page
  assert page.index("black</td>") < page.index("still</td>")
  assert "None of the 9 clips" in preview_lists.signs([], 9, {})


def test_all_failures_are_listed_folded():
  found = [dict(path=f"{n}.mp4", stage="decode", error="no <video>") for n in range(3)]
  page = preview_lists.failures(found)
  assert page.count("no &lt;video&gt;") == 4 and "<td>3</td><td>0.mp4</td>" in page
  assert "<details><summary>All failures (3)</summary>" in page and "<td>2.mp4</td>" in page
