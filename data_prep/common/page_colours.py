"""The colours of all pages and pictures: each has a name, a value on light and one on dark ground.

Text in any of INKS and SERIES has a contrast of at least 4.5 to the grounds (WCAG 2.1, AA), and so
has text in the colour `paper` on a patch of any of them. A page names a colour as `var(--blue)`, so
that the same picture is right in both modes.
"""

from typing import NamedTuple


class Colour(NamedTuple):
  """A colour as `#rrggbb`, in light mode and in dark mode."""

  light: str
  dark: str


GROUNDS = {
  "paper": Colour("#ffffff", "#15171a"),
  "panel": Colour("#f4f5f7", "#1e2125"),
}
INKS = {
  "ink": Colour("#1b1d21", "#e6e8eb"),
  "faint": Colour("#5b616b", "#a3a9b3"),
  "link": Colour("#0b57b1", "#7db4ff"),
}
LINES = {"line": Colour("#d8dbe0", "#3b4047")}
# In the order in which a picture takes them; neighbours differ also for the colour-blind.
SERIES = {
  "blue": Colour("#1f66b0", "#6fb1f5"),
  "orange": Colour("#b04f08", "#f0974a"),
  "green": Colour("#1b783c", "#5ac47f"),
  "purple": Colour("#7a3fb8", "#c297f2"),
  "red": Colour("#be292d", "#ff827d"),
  "teal": Colour("#0b737d", "#4fc3cc"),
  "pink": Colour("#b0247a", "#f58ac2"),
  "brown": Colour("#7d582b", "#cfa56a"),
  "olive": Colour("#626c18", "#b4bf4f"),
  "grey": Colour("#5f6570", "#9da4ae"),
}
PALETTE = {**GROUNDS, **INKS, **LINES, **SERIES}


def css() -> str:
  """Returns the style rules that define every colour as a custom property, for both modes."""
  light = " ".join(f"--{name}: {colour.light};" for name, colour in PALETTE.items())
  dark = " ".join(f"--{name}: {colour.dark};" for name, colour in PALETTE.items())
  return (
    f":root {{ color-scheme: light dark; {light} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    f"@media print {{ :root {{ color-scheme: light; {light} }} }}\n"
  )


def contrast(one: str, other: str) -> float:
  """Returns the contrast of two colours `#rrggbb`, from 1 to 21 (WCAG 2.1)."""
  brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
  return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
  parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
  red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
