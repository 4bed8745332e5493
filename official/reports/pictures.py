"""Pictures: matplotlib figures that become SVG in a page, or files of their own.

    with pictures.style():
      picture, axes = pictures.chart(720, 320)
      line = axes.plot(hours, fitness, color=colours.BLUE)[0]
      pictures.hover(line, "best so far")
    picture.svg()

Width and height are CSS pixels, and so are sizes of text and lines. In a page the colours are
custom properties, `var(--blue)`, so that dark mode has its own; text is text, which a reader can
search and select. The same picture gives the same bytes: no date, no random ids. Nothing here uses
pyplot, which would keep every figure in memory and choose a backend for the whole program.
"""

from collections.abc import Iterator, Sequence
import contextlib
import io
import logging
import re
from typing import Any
import warnings
from xml.etree import ElementTree

import matplotlib
from matplotlib import rcsetup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends import backend_agg
from matplotlib.backends import backend_svg
from matplotlib.figure import Figure
from matplotlib.text import Text

from official.reports import colours

_STYLE: Any = {
  "axes.axisbelow": True,
  "axes.edgecolor": colours.FAINT,
  "axes.facecolor": "none",
  "axes.grid": True,
  "axes.labelcolor": colours.INK,
  "axes.linewidth": 1.0,
  "axes.prop_cycle": rcsetup.cycler("color", colours.SERIES),
  "axes.spines.right": False,
  "axes.spines.top": False,
  "axes.unicode_minus": True,
  "figure.facecolor": "none",
  "font.family": "sans-serif",
  "font.size": 12.0,
  "grid.color": colours.LINE,
  "grid.linewidth": 1.0,
  "legend.frameon": False,
  "legend.fontsize": 12.0,
  "lines.linewidth": 2.0,
  "lines.markersize": 6.0,
  "path.simplify": True,
  "savefig.facecolor": "none",
  "svg.fonttype": "none",
  "svg.hashsalt": "official.reports",
  "text.color": colours.INK,
  "text.parse_math": False,
  "xtick.color": colours.FAINT,
  "xtick.labelcolor": colours.INK,
  "ytick.color": colours.FAINT,
  "ytick.labelcolor": colours.INK,
}
_PIXELS_PER_INCH = 72  # SVG units of matplotlib are points; so a point is a CSS pixel here.
_PNG_SCALE = 2
# A picture wider than this many pixels is scrolled below that share of its width.
_WIDE, _LEAST = 800, 0.7
_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"
_VARIABLES = {value: f"var(--{name}, {value})" for name, value in colours.LIGHT.items()}
_VARIABLES |= {"#000000": _VARIABLES[colours.INK], "#ffffff": _VARIABLES[colours.PAPER]}
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")
_FONT = re.compile(r"('[^']*', )*'?DejaVu Sans'?[^;\"]*")
_DRAWN = {f"{{{_SVG}}}{name}" for name in ("path", "use", "image", "text")}
_LEFT_OUT = {f"{{{_SVG}}}{name}" for name in ("metadata", "style")}
_HOVER = "hover"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_JOINS = "stroke-linejoin: round; stroke-linecap: butt"


class Picture(Figure):
  """A figure that can be written as SVG for a page, as SVG for a file, and as PNG."""

  def __init__(self, width: float, height: float, **arguments: Any):
    super().__init__((width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH), dpi=72, **arguments)
    self.hovers: dict[str, tuple[str, ...]] = {}

  def svg(self, name: str = "", title: str = "", description: str = "") -> str:
    """Returns the picture for a page.

    Args:
      name: What the ids in it begin with, so that they are unique in a page.
      title: What a screen reader says first, and a browser shows on hover.
      description: What a screen reader says then.
    """
    root = self._parsed()
    width = float(root.get("viewBox", "0 0 0 0").split()[2])
    for attribute in ("width", "height", "version"):
      root.attrib.pop(attribute, None)
    least = f"min-width: {_LEAST * width:.0f}px; " if width > _WIDE else ""
    root.set("style", f"{least}max-width: {width:g}px; {_JOINS}")
    _renumber(root, name)
    _tell(root, name, title, description)
    return _COLOUR.sub(lambda found: _VARIABLES.get(found[0], found[0]), _text(root))

  def svg_file(self, title: str = "", description: str = "") -> str:
    """Returns the picture as an SVG file, on white ground, which any program can show."""
    root = self._parsed()
    ground = ElementTree.Element(f"{{{_SVG}}}rect", width="100%", height="100%", fill=colours.PAPER)
    root.insert(0, ground)
    root.set("style", _JOINS)
    _renumber(root, "id")
    _tell(root, "id", title, description)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _text(root)

  def png(self) -> bytes:
    """Returns the picture as a PNG, two pixels for a CSS pixel, on white ground."""
    buffer = io.BytesIO()
    with style(), _quiet():
      self._plain_texts()
      backend_agg.FigureCanvasAgg(self).print_figure(
        buffer,
        format="png",
        dpi=_PNG_SCALE * _PIXELS_PER_INCH,
        facecolor=colours.PAPER,
        metadata={"Software": None},
      )
    return buffer.getvalue()

  def _parsed(self) -> ElementTree.Element:
    buffer = io.StringIO()
    with style(), _quiet():
      self._plain_texts()
      backend_svg.FigureCanvasSVG(self).print_figure(
        buffer, format="svg", metadata={"Date": None, "Creator": None}
      )
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
      for child in [each for each in parent if each.tag in _LEFT_OUT]:
        parent.remove(child)  # A style sheet would be that of the whole page.
    _add_hovers(root, self.hovers)
    for element in root.iter():
      for attribute in ("d", "x", "y", "transform", "points"):
        if attribute in element.attrib:
          element.set(attribute, _LONG.sub(r"\1", element.attrib[attribute]))
    return root

  def _plain_texts(self) -> None:
    for text in self.findobj(Text):
      text.set_parse_math(False)  # A name may hold a $.
      if plain(text.get_text()) != text.get_text():
        text.set_text(plain(text.get_text()))


def figure(width: float, height: float, **arguments: Any) -> Picture:
  """Returns an empty picture of so many CSS pixels."""
  return Picture(width, height, **arguments)


def chart(width: float = 720, height: float = 320) -> tuple[Picture, Axes]:
  """Returns a picture with one pair of axes, which leave as much room for labels as they need."""
  with style():
    picture = Picture(width, height, layout="constrained")
    return picture, picture.add_subplot()


def legend_above(axes: Axes, columns: int = 4) -> None:
  """Explains what has a label above the axes, where it covers nothing."""
  if axes.get_legend_handles_labels()[0]:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2)


@contextlib.contextmanager
def style() -> Iterator[None]:
  """Fonts, sizes and colours of all pictures, while they are drawn; matplotlib's own afterwards."""
  with matplotlib.rc_context(_STYLE):
    yield


def hover(artist: Artist, text: str | Sequence[str]) -> None:
  """Shows a text when the pointer rests on an artist.

  Args:
    artist: It is part of a picture.
    text: One text, or for a collection one for each of its members, in order.
  """
  picture = artist.get_figure(root=True)
  assert isinstance(picture, Picture), "the artist is in no picture yet"
  texts = (text,) if isinstance(text, str) else tuple(text)
  gid = f"{_HOVER}-{len(picture.hovers)}"
  artist.set_gid(gid)
  picture.hovers[gid] = texts


def _add_hovers(root: ElementTree.Element, hovers: dict[str, tuple[str, ...]]) -> None:
  if not hovers:
    return
  groups = {element.get("id"): element for element in root.iter() if element.get("id") in hovers}
  for gid, texts in hovers.items():
    group = groups.get(gid)
    if group is None:
      continue
    if len(texts) == 1:
      _insert_title(group, texts[0])
      continue
    for element, text in zip(_members(group), texts):
      _insert_title(element, text)


def _members(group: ElementTree.Element) -> Iterator[ElementTree.Element]:
  """Yields what a group draws, in order, without the shapes that it defines for later."""
  for child in group:
    if child.tag in _DRAWN:
      yield child
    elif not child.tag.endswith("defs"):
      yield from _members(child)


def _insert_title(element: ElementTree.Element, text: str) -> None:
  title = ElementTree.Element(f"{{{_SVG}}}title")
  title.text = plain(text)
  element.insert(0, title)


def plain(text: str) -> str:
  """Returns a text without the characters that XML forbids."""
  return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def _renumber(root: ElementTree.Element, name: str) -> None:
  """Drops ids that nothing refers to, and numbers the others: matplotlib's are random in part."""
  text = ElementTree.tostring(root, encoding="unicode")
  found = re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text)
  order = dict.fromkeys("".join(each) for each in found)
  new = {old: f"{name}-{place}" for place, old in enumerate(order)}
  for element in root.iter():
    for attribute, value in list(element.attrib.items()):
      if attribute == "id":
        if value in new:
          element.set("id", new[value])
        else:
          del element.attrib["id"]
      elif "url(#" in value:
        element.set(attribute, _REFERENCE.sub(lambda match: f"url(#{new[match[1]]})", value))
      elif attribute in ("href", _LINK) and value.startswith("#"):
        element.set(attribute, f"#{new[value[1:]]}")


def _tell(root: ElementTree.Element, name: str, title: str, description: str) -> None:
  """Gives the picture a title and a description."""
  root.set("role", "img")
  told = []
  for place, (tag, text) in enumerate((("title", title), ("desc", description))):
    if text:
      element = ElementTree.Element(f"{{{_SVG}}}{tag}", id=f"{name}-{tag}")
      element.text = plain(text)
      root.insert(place, element)
      told.append(f"{name}-{tag}")
  if told:
    root.set("aria-labelledby", " ".join(told))


def _text(root: ElementTree.Element) -> str:
  ElementTree.register_namespace("", _SVG)
  ElementTree.register_namespace("xlink", _LINK[1:].split("}")[0])
  ElementTree.indent(root, "")
  text = ElementTree.tostring(root, encoding="unicode")
  return _FONT.sub("system-ui, sans-serif", text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Ignores that matplotlib's own fonts lack a character, which a browser has."""
  logger = logging.getLogger("matplotlib")
  level = logger.level
  with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    logger.setLevel(logging.ERROR)
    try:
      yield
    finally:
      logger.setLevel(level)
