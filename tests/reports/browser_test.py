"""The page of a run in a real browser."""

import json
import pathlib
import urllib.parse

import browser
import pytest
import run_folder

from data_prep.common import page_colours
from official.reports import run_report

pytestmark = pytest.mark.slow  # Chromium takes seconds to start.


@pytest.fixture(scope="module")
def report(finished_run):
  """The file of the page, in the run itself."""
  output = finished_run / "report.html"
  run_report.write(str(finished_run), str(output))
  return output


@pytest.fixture(scope="module")
def tab(report):
  """The page, opened."""
  with browser.opened() as page:
    page.open(report.as_uri())
    yield page


def test_nothing_is_asked_for_and_no_error_told(tab, report):
  assert tab.requests == [report.as_uri()]
  assert tab.errors == []


def test_every_picture_has_a_title(tab):
  pictures = tab.value(
    "[...document.querySelectorAll('svg, img')].map(each => each.tagName === 'svg'"
    " ? each.querySelector(':scope > title')?.textContent : each.title && each.alt)"
  )
  assert len(pictures) > 8
  assert all(pictures)


def test_every_link_leads_to_a_file_or_a_place_in_the_page(tab, report):
  links = tab.value("[...document.querySelectorAll('a')].map(each => each.href)")
  assert len(links) > 30
  for link in links:
    address = urllib.parse.urlparse(link)
    file = pathlib.Path(urllib.parse.unquote(address.path))
    assert address.scheme == "file"
    assert file.is_file()
    if file == report:
      place = json.dumps(urllib.parse.unquote(address.fragment))
      assert tab.value(f"document.getElementById({place}) !== null"), link


def test_numbers_are_those_of_the_results(tab, finished_run):
  rows = tab.value(
    "[...document.querySelectorAll('#leaderboard table.sortable tbody tr')].map("
    "row => [...row.cells].map(cell => cell.dataset.value ?? cell.textContent))"
  )
  head = tab.value(
    "[...document.querySelectorAll('#leaderboard table.sortable th')].map(h => h.textContent)"
  )
  for row in (dict(zip(head, each, strict=True)) for each in rows):
    path = finished_run / "candidates" / row["candidate"] / "result.json"
    result = json.loads(path.read_text())
    assert row["state"] == result["status"]
    if result["status"] == "ok":
      assert float(row["accuracy"]) == result["metrics"]["accuracy"]
      assert float(row["parameters"]) == result["params"]
      assert float(row["multiply-adds"]) == result["multiply_adds"]
  assert len(rows) == 12


def test_a_click_sorts_the_table(tab):
  ask = "[...document.querySelectorAll('#leaderboard table.sortable tbody tr')].map(row => row.id)"
  before = tab.value(ask)
  tab.value("document.querySelectorAll('#leaderboard table.sortable th button')[1].click()")
  assert tab.value(ask) == sorted(before)
  tab.value("document.querySelectorAll('#leaderboard table.sortable th button')[1].click()")
  assert tab.value(ask) == sorted(before, reverse=True)


@pytest.mark.parametrize("width", [360, 1400, 2000])
def test_the_page_fits_the_window(tab, width):
  tab.resize(width)
  assert tab.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_pictures_follow_the_system(tab, dark):
  tab.dark(dark=dark)
  ink, paper = page_colours.PALETTE["ink"], page_colours.PALETTE["paper"]
  for name, colour in (("color", ink), ("backgroundColor", paper)):
    shown = tab.value(f"getComputedStyle(document.body).{name}")
    assert shown == rgb(colour.dark if dark else colour.light)
  text = tab.value("getComputedStyle(document.querySelector('#timeline svg text')).fill")
  assert text == rgb(ink.dark if dark else ink.light)


@pytest.mark.parametrize("dark", [False, True])
def test_all_texts_can_be_read(tab, dark):
  """Texts stand on paper or on a panel."""
  tab.dark(dark=dark)
  found = tab.value(
    "[...new Set([...document.querySelectorAll('svg text, td, th, p, a, li, code, figcaption, h1,"
    " h2, h3, summary, caption')].map(each => {"
    "  const style = getComputedStyle(each);"
    "  return (each.ownerSVGElement ? style.fill : style.color) + ' ' + style.opacity; }))]"
  )
  assert len(found) >= 3
  grounds = [colour.dark if dark else colour.light for colour in page_colours.GROUNDS.values()]
  for each in found:
    numbers = [int(number) for number in each[4 : each.index(")")].split(",")]
    assert each.endswith(" 1"), each
    for ground in grounds:
      assert page_colours.contrast("#{:02x}{:02x}{:02x}".format(*numbers), ground) >= 4.5, each


def rgb(colour: str) -> str:
  return "rgb({}, {}, {})".format(*(int(colour[place : place + 2], 16) for place in (1, 3, 5)))


def test_names_that_try_to_break_the_page_are_text(tab):
  assert tab.value("document.scripts.length") == 1
  assert tab.value("document.body.textContent.includes(\"--data_dir='<b>'\")")
  assert tab.value("document.querySelector('main') !== null")
  cells = tab.value(
    "[...document.querySelectorAll('#final td, #final th')].map(x => x.textContent)"
  )
  assert set(run_folder.CLASSES) <= {cell.strip() for cell in cells}
