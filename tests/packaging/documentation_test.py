"""Links of README and docs/ lead somewhere, and the messages that they quote exist in the code."""

import ast
import functools
import pathlib
import re

import pytest

from tests import documentation

ROOT = documentation.ROOT
PAGES = (*documentation.PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text()


def _anchors(page: pathlib.Path) -> set[str]:
  """Returns the anchors that GitHub gives to the headings of a page."""
  titles = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
  return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def _dead_links(page: pathlib.Path) -> list[str]:
  dead = []
  for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
    if not link.startswith("https://"):
      path, _, anchor = link.partition("#")
      target = page.parent / path if path else page
      if not target.exists() or (anchor and anchor not in _anchors(target)):
        dead.append(link)
  return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
  assert not _dead_links(page)


def test_a_dead_link_is_found(tmp_path):
  page = tmp_path / "page.md"
  page.write_text("# One title\n[a](page.md#one-title) [b](page.md#another) [c](none.md)")
  assert _dead_links(page) == ["page.md#another", "none.md"]


@functools.cache
def _texts_of_the_code() -> str:
  """Returns all string literals of the product; what is filled in later is left out.

  Arguments in messages of libraries are flags for users (data_prep.common.cli.with_flags).
  """
  texts = "\n".join(
    node.value
    for room in ("data_prep", "official")
    for file in sorted((ROOT / room).rglob("*.py"))
    for node in ast.walk(ast.parse(file.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
  )
  return re.sub(r"`(\w+)`", r"--\1", texts)


def _messages(text: str) -> list[str]:
  """Returns what stands in backquotes in the first column of the tables that quote messages."""
  tables = text.split("\n## Symptoms without a message\n")[0]
  return re.findall(r"^\| `([^`]+)`", tables, re.MULTILINE)


def test_there_are_messages():
  assert len(_messages(TROUBLESHOOTING)) > 40


@pytest.mark.parametrize("message", _messages(TROUBLESHOOTING))
def test_a_message_of_troubleshooting_exists(message):
  pieces = [piece for piece in re.split(r" *\.\.\. *", message) if piece]
  missing = [piece for piece in pieces if piece not in _texts_of_the_code()]
  assert not missing, "docs/troubleshooting.md quotes what no message says"
