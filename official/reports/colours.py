"""What the colours of pictures mean: streams, classes, how a candidate ended.

The colours themselves, and their values in dark mode, are those of all pages
(data_prep/common/page_colours.py). Pictures are drawn in the values of light mode; a page turns
them into `var(--name)` (pictures.py).
"""

from collections.abc import Iterable

from data_prep.common import page_colours

LIGHT = {name: colour.light for name, colour in page_colours.PALETTE.items()}
SERIES = tuple(LIGHT[name] for name in page_colours.SERIES)
INK, FAINT, LINE, PAPER, PANEL = (
  LIGHT[name] for name in ("ink", "faint", "line", "paper", "panel")
)
BLUE, ORANGE, GREEN, PURPLE, RED, TEAL, PINK, BROWN, OLIVE, GREY = SERIES

# How a candidate ended: colour and marker, so that the colour does not tell it alone.
STATES = {"ok": BLUE, "infeasible": ORANGE, "failed": RED, "in flight": GREY}
MARKERS = {"ok": "o", "infeasible": "X", "failed": "v", "in flight": "o"}

_STREAMS = {"rgb": BLUE, "flow": ORANGE, "depth": TEAL, "mask": PURPLE}


def series(index: int) -> str:
  """Returns the colour of the n-th of several things; after the last it begins again."""
  return SERIES[index % len(SERIES)]


def of_streams(names: Iterable[str]) -> dict[str, str]:
  """Returns a colour for each stream: the same wherever `rgb` and `flow` are drawn."""
  others = [colour for colour in SERIES if colour not in (*_STREAMS.values(), GREY)]
  found: dict[str, str] = {}
  for name in sorted(set(names)):
    if name in _STREAMS:
      found[name] = _STREAMS[name]
    else:
      taken = sum(known not in _STREAMS for known in found)
      found[name] = others[taken % len(others)]
  return found


def of_classes(names: Iterable[str]) -> dict[str, str]:
  """Returns a colour for each class, in the order of the dataset."""
  return {name: series(index) for index, name in enumerate(dict.fromkeys(names))}
