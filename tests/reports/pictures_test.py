"""Pictures: equal bytes, texts as they are, colours of the page."""

from xml.etree import ElementTree

import matplotlib

from official.reports import colours
from official.reports import pictures

SVG = "{http://www.w3.org/2000/svg}"


def drawn():
  picture, axes = pictures.chart(400, 200)
  line = axes.plot([0, 1], [0, 1], color=colours.BLUE, label="$x_1$ <b> \u05e9\u05dc\u05d5\u05dd")[
    0
  ]
  pictures.hover(line, "rises & rises")
  points = axes.scatter([0, 1, 2], [1, 0, 1], color=colours.RED, clip_on=True)
  pictures.hover(points, ["first", "second", "third"])
  axes.legend()
  return picture


def titles(root):
  return [title.text for title in root.iter(f"{SVG}title")]


def test_the_same_picture_is_the_same_bytes():
  assert drawn().svg("a", "A") == drawn().svg("a", "A")
  assert drawn().svg_file("A") == drawn().svg_file("A")
  assert drawn().png() == drawn().png()


def test_a_picture_tells_a_screen_reader_what_it_is():
  root = ElementTree.fromstring(drawn().svg("a", "A <title>", "What there is to see"))
  assert root.get("role") == "img"
  assert root.get("aria-labelledby") == "a-title a-desc"
  assert root[0].text == "A <title>"
  assert root[1].text == "What there is to see"


def test_artists_and_points_have_texts_of_their_own():
  root = ElementTree.fromstring(drawn().svg("a"))
  assert sorted(titles(root)) == ["first", "rises & rises", "second", "third"]


def test_texts_stay_texts():
  texts = [text.text for text in ElementTree.fromstring(drawn().svg("a")).iter(f"{SVG}text")]
  assert "$x_1$ <b> \u05e9\u05dc\u05d5\u05dd" in texts


def test_a_page_chooses_the_colours_and_a_file_has_its_own():
  assert f"var(--blue, {colours.BLUE})" in drawn().svg("a")
  assert "var(" not in drawn().svg_file()
  assert colours.PAPER in drawn().svg_file()


def test_ids_are_unique_in_a_page():
  ids = [
    element.get("id")
    for name in ("a", "b")
    for element in ElementTree.fromstring(drawn().svg(name, "A")).iter()
    if element.get("id")
  ]
  assert len(set(ids)) == len(ids)


def test_a_picture_brings_no_rules_for_the_rest_of_the_page():
  assert "<style" not in drawn().svg("a")


def test_matplotlib_is_as_it_was():
  before = dict(matplotlib.rcParams)
  drawn().svg("a")
  assert dict(matplotlib.rcParams) == before
