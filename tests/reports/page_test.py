"""A page: what a user wrote is text, links lead where they should, nothing is loaded."""

from html.parser import HTMLParser

import pytest

from official.reports import page
from official.reports import pictures

NASTY = "<script>alert(1)</script>\"'&\x00"


def figure():
  picture, axes = pictures.chart(300, 150)
  axes.set_title(NASTY)
  return page.Figure("figure", NASTY, NASTY, picture, page.Table(NASTY, ["a"], [[NASTY]]))


PARTS = [
  page.Text(NASTY),
  page.Code(NASTY),
  page.Items([NASTY, page.Link(NASTY, NASTY)]),
  page.Table(NASTY, [NASTY], [[NASTY], [page.Link(NASTY, NASTY)]], note=NASTY, ids=[NASTY, "b"]),
  page.Image("image", NASTY, NASTY, b"png"),
  page.Details(NASTY, [page.Grid([page.Text(NASTY)])]),
]


class Elements(HTMLParser):
  """Collects (tag, attributes) and the text of a page."""

  def __init__(self, text):
    super().__init__()
    self.found, self.text = [], []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))

  def handle_data(self, data):
    self.text.append(data)

  def all(self, tag):
    return [attributes for name, attributes in self.found if name == tag]


def written(*parts, **arguments):
  return page.html("Title", [page.Section("part", "Part", parts)], **arguments)


@pytest.mark.parametrize("part", [*PARTS, figure()], ids=lambda part: type(part).__name__)
def test_what_a_user_wrote_is_text(part):
  elements = Elements(page.html(NASTY, [page.Section("part", NASTY, [part])], subtitle=NASTY))
  assert not elements.all("script")
  assert NASTY.replace("\x00", "\ufffd") in elements.text


def test_a_page_allows_no_request():
  policy = Elements(written(*PARTS)).all("meta")[1]["content"]
  assert "default-src 'none'" in policy
  assert "script-src" not in policy


def test_only_the_script_that_sorts_may_run():
  elements = Elements(written(page.Table("t", ["a"], [[1]], sortable=True)))
  assert "script-src 'sha256-" in elements.all("meta")[1]["content"]
  assert len(elements.all("script")) == 1


@pytest.mark.parametrize(
  "href, base, expected",
  [
    ("a/b c.json", "", "a/b%20c.json"),
    ("a.json", "../run", "../run/a.json"),
    ("#row", "../run", "#row"),
    ("javascript:alert(1)", "", "javascript%3Aalert%281%29"),
  ],
)
def test_links_lead_into_the_run(href, base, expected):
  links = Elements(written(page.Items([page.Link("x", href)]), base=base)).all("a")
  assert links[-1]["href"] == expected


def test_the_contents_list_the_sections():
  links = Elements(page.html("T", [page.Section("one", "One", []), page.Section("two", "Two", [])]))
  assert [link["href"] for link in links.all("a")] == ["#content", "#one", "#two"]


def test_numbers_stand_on_the_right_and_what_is_missing_is_a_dash():
  text = written(page.Table("t", ["a", "b"], [["x", 1234567], ["y", 0.25], ["z", None]]))
  assert '<td class="number" data-value="1234567.0">1,234,567</td>' in text
  assert '<td class="number" data-value="0.25">0.2500</td>' in text
  assert '<td class="number">\N{EN DASH}</td>' in text


def test_all_pictures_are_found_where_they_are():
  inner = figure()
  found = page.figures([page.Grid([page.Details("d", [inner])]), PARTS[4]])
  assert [each.name for each in found] == ["figure", "image"]
