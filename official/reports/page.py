"""What a page consists of, and the page as HTML.

    page.html("run", [
      page.Section("fitness", "Fitness", [
        page.Text("The best candidate so far has 0.91."),
        page.Figure("best", "Best so far", "It rises from 0.5 to 0.91.", picture, table),
      ]),
    ])

Sections say what is shown, and this file how. Everything that comes from a user (names of classes,
paths, commands) is plain text until it is escaped here, in one place. A picture has its numbers as
a table behind it, for whoever cannot see it or wants to copy them.
"""

import base64
from collections.abc import Iterator, Sequence
import dataclasses
import functools
import html as html_lib
from typing import NamedTuple
import urllib.parse

from data_prep.common import page_style
from official.reports import pictures
from official.reports.pictures import Picture

_MISSING = "\N{EN DASH}"
_NUMBERS = (int, float)


class Link(NamedTuple):
  """A text that leads somewhere.

  Attributes:
    text: What is read.
    href: A path relative to the run directory, or `#` and the name of a section, figure or row.
  """

  text: str
  href: str


class Links(NamedTuple):
  """Several links in one cell."""

  links: Sequence[Link]


Cell = str | float | int | Link | Links | None


@dataclasses.dataclass(frozen=True)
class Text:
  """A paragraph; `note` sets it in a fainter colour."""

  paragraph: str
  note: bool = False


@dataclasses.dataclass(frozen=True)
class Code:
  """A command, or other text that is read letter by letter; line breaks stay."""

  text: str


@dataclasses.dataclass(frozen=True)
class Items:
  """A list of sentences or links."""

  items: Sequence[str | Link]


@dataclasses.dataclass(frozen=True)
class Table:
  """A table; numbers are on the right.

  Attributes:
    caption: What is in it.
    header: Names of the columns; none for a table of names and values, whose first column heads
      its rows.
    rows: Their cells; None is shown as a dash. An integer has its thousands separated, and a float
      four digits; give a text where it should look otherwise.
    note: What is said below.
    sortable: Whether a reader can sort it by any column, in browsers that run scripts.
    ids: For each row the name by which links find it (`#NAME`), or none.
  """

  caption: str
  header: Sequence[str]
  rows: Sequence[Sequence[Cell]]
  note: str = ""
  sortable: bool = False
  ids: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Figure:
  """A picture with its title, its description in words, and its numbers.

  Attributes:
    name: Unique in a page, of lower-case letters, digits, `_` and `-`; also its file's name.
    title: A line.
    description: What there is to see, for whoever does not see it; also the caption.
    picture: The picture.
    table: Its numbers.
  """

  name: str
  title: str
  description: str
  picture: Picture
  table: Table | None = None


@dataclasses.dataclass(frozen=True)
class Image:
  """A picture of pixels, such as a film strip; otherwise as Figure.

  Attributes:
    name, title, description: As of a Figure.
    png: The file's bytes.
    wide: Whether it is scrolled where the window is narrower, and not scaled.
  """

  name: str
  title: str
  description: str
  png: bytes
  wide: bool = False


@dataclasses.dataclass(frozen=True)
class Details:
  """Parts that are folded until a reader asks for them."""

  title: str
  parts: Sequence["Part"]
  unfolded: bool = False


@dataclasses.dataclass(frozen=True)
class Grid:
  """Parts side by side, where there is room."""

  parts: Sequence["Part"]


Part = Text | Code | Items | Table | Figure | Image | Details | Grid


@dataclasses.dataclass(frozen=True)
class Section:
  """A part of the page with a heading and a place in the table of contents.

  Attributes:
    name: Unique in a page; links find it as `#NAME`.
    title: The heading.
    parts: What is in it.
  """

  name: str
  title: str
  parts: Sequence[Part]


def html(title: str, sections: Sequence[Section], *, subtitle: str = "", base: str = "") -> str:
  """Returns a self-contained page.

  Args:
    title: The heading, as text.
    sections: What is shown.
    subtitle: A line below the heading.
    base: The way from the page's folder to the run directory, before paths of links.
  """
  contents = "".join(
    f'<li><a href="#{_attribute(section.name)}">{_escaped(section.title)}</a></li>'
    for section in sections
  )
  body = [
    '<a class="skip" href="#content">Skip to the content</a>',
    f"<header><h1>{_escaped(title)}</h1>",
    f'<p class="subtitle">{_escaped(subtitle)}</p>' if subtitle else "",
    f'</header>\n<nav aria-label="Contents"><ul>{contents}</ul></nav>',
    '<main id="content">',
    *(_section(section, base) for section in sections),
    "</main>",
  ]
  scripts = (
    [page_style.SORTING] if any(_has_sortable(section.parts) for section in sections) else []
  )
  return page_style.document(title, "\n".join(filter(None, body)), scripts=scripts)


def figures(parts: Sequence[Part]) -> Iterator[Figure | Image]:
  """Yields all pictures among parts, in the order of the page."""
  for part in parts:
    if isinstance(part, Figure | Image):
      yield part
    elif isinstance(part, Details | Grid):
      yield from figures(part.parts)


def tables(parts: Sequence[Part]) -> Iterator[Table]:
  """Yields all tables among parts, those behind pictures included."""
  for part in parts:
    if isinstance(part, Table):
      yield part
    elif isinstance(part, Figure) and part.table:
      yield part.table
    elif isinstance(part, Details | Grid):
      yield from tables(part.parts)


def _has_sortable(parts: Sequence[Part]) -> bool:
  return any(table.sortable for table in tables(parts))


def _escaped(text: str) -> str:
  return html_lib.escape(pictures.plain(text))


_attribute = _escaped  # Attributes are always in double quotes, which are escaped, too.


def _isolated(text: str) -> str:
  """Returns a text of which letters written from right to left do not reorder what is around."""
  return f"<bdi>{_escaped(text)}</bdi>" if not text.isascii() else _escaped(text)


def _section(section: Section, base: str) -> str:
  name = _attribute(section.name)
  return (
    f'<section id="{name}" aria-labelledby="{name}-heading">\n'
    f'<h2 id="{name}-heading">{_escaped(section.title)}</h2>\n'
    f"{_parts(section.parts, base)}</section>"
  )


def _parts(parts: Sequence[Part], base: str) -> str:
  return "".join(_part(part, base) + "\n" for part in parts)


@functools.singledispatch
def _part(part: Part, base: str) -> str:
  raise TypeError(f"{type(part).__name__} is no part of a page")


@_part.register
def _(part: Text, base: str) -> str:
  del base
  return f"<p{_class('note', part.note)}>{_isolated(part.paragraph)}</p>"


@_part.register
def _(part: Code, base: str) -> str:
  del base
  return f'<pre tabindex="0"><code>{_escaped(part.text)}</code></pre>'


@_part.register
def _(part: Items, base: str) -> str:
  return "<ul>" + "".join(f"<li>{_cell(item, base)}</li>" for item in part.items) + "</ul>"


@_part.register
def _(part: Grid, base: str) -> str:
  return f'<div class="grid">\n{_parts(part.parts, base)}</div>'


@_part.register
def _(part: Details, base: str) -> str:
  unfolded = " open" if part.unfolded else ""
  return (
    f"<details{unfolded}><summary>{_isolated(part.title)}</summary>\n"
    f"{_parts(part.parts, base)}</details>"
  )


@_part.register
def _(part: Figure, base: str) -> str:
  table = (
    f"<details><summary>Numbers</summary>{_part(part.table, base)}</details>" if part.table else ""
  )
  return (
    f'<figure id="{_attribute(part.name)}">\n<h3>{_isolated(part.title)}</h3>\n'
    f'<div class="scroll" tabindex="0">'
    f"{part.picture.svg(part.name, part.title, part.description)}</div>\n"
    f"<figcaption>{_isolated(part.description)}</figcaption>{table}\n</figure>"
  )


@_part.register
def _(part: Image, base: str) -> str:
  del base
  data = base64.b64encode(part.png).decode()
  wide = ' class="scroll wide" tabindex="0"' if part.wide else ""
  return (
    f'<figure id="{_attribute(part.name)}">\n<h3>{_isolated(part.title)}</h3>\n<div{wide}>'
    f'<img src="data:image/png;base64,{data}" alt="{_attribute(part.description or part.title)}" '
    f'title="{_attribute(part.title)}"></div>\n'
    f"<figcaption>{_isolated(part.description)}</figcaption>\n</figure>"
  )


@_part.register
def _(part: Table, base: str) -> str:
  numeric = [
    any(isinstance(row[place], _NUMBERS) for row in part.rows)
    for place in range(max(map(len, [part.header, *part.rows])))
  ]
  head = "".join(
    f'<th scope="col"{_class("number", number)}>{_escaped(name)}</th>'
    for name, number in zip(part.header, numeric)
  )
  ids = [f' id="{_attribute(each)}"' if each else "" for each in part.ids] or [""] * len(part.rows)
  rows = "\n".join(
    f"<tr{row_id}>{_row(row, numeric, base, headed=not part.header)}</tr>"
    for row_id, row in zip(ids, part.rows, strict=True)
  )
  return (
    f'<div class="scroll" tabindex="0"><table{_class("sortable", part.sortable)}>'
    f"<caption>{_isolated(part.caption)}</caption>\n"
    + (f"<thead><tr>{head}</tr></thead>\n" if part.header else "")
    + f"<tbody>\n{rows}\n</tbody></table></div>"
    + (f'<p class="note">{_isolated(part.note)}</p>' if part.note else "")
  )


def _row(row: Sequence[Cell], numeric: Sequence[bool], base: str, *, headed: bool) -> str:
  cells = [_table_cell(cell, number, base) for cell, number in zip(row, numeric, strict=True)]
  return (f'<th scope="row">{_cell(row[0], base)}</th>' if headed else cells[0]) + "".join(
    cells[1:]
  )


def _class(name: str, applies: bool) -> str:
  return f' class="{name}"' if applies else ""


def _table_cell(cell: Cell, number: bool, base: str) -> str:
  value = f' data-value="{float(cell)!r}"' if isinstance(cell, _NUMBERS) else ""
  return f"<td{_class('number', number)}{value}>{_cell(cell, base)}</td>"


def _cell(cell: Cell, base: str) -> str:
  if cell is None:
    return _MISSING
  if isinstance(cell, Links):
    return ", ".join(_cell(link, base) for link in cell.links)
  if isinstance(cell, Link):
    return f'<a href="{_attribute(_href(cell.href, base))}">{_isolated(cell.text)}</a>'
  if isinstance(cell, str):
    return _isolated(cell)
  return f"{cell:,}" if isinstance(cell, int) else f"{cell:.4f}"


def _href(href: str, base: str) -> str:
  if href.startswith("#"):
    return "#" + urllib.parse.quote(href[1:])
  path = f"{base.rstrip('/')}/{href}" if base not in ("", ".") else href
  return urllib.parse.quote(path)
