"""The lists of the preview page: what looks wrong, what could not be used, and its contents."""

import collections
from collections.abc import Mapping, Sequence
import html

from data_prep.dataset import looks_wrong
from data_prep.dataset import metadata

_KINDS_SHOWN = 100
_ROWS_SHOWN = 5000
_UNFOLDED = 20


def contents(places: Sequence[tuple[str, str]]) -> str:
  """Returns links to places of the page, given as identifiers and names."""
  links = "".join(f'<li><a href="#{key}">{html.escape(name)}</a></li>' for key, name in places)
  return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def signs(found: Sequence[looks_wrong.Sign], clips_read: int, places: Mapping[str, str]) -> str:
  """Returns the clips that look wrong.

  Args:
    found: What was seen.
    clips_read: Clips that were looked at.
    places: Where the page shows a clip, by its id.
  """
  title = '<h2 id="looks-wrong">Looks wrong'
  if not found:
    return (
      f'{title}</h2>\n<p class="note">None of the {clips_read:,} clips that were read is still, '
      "black, of one colour, a duplicate, or full of extreme flow.</p>"
    )
  clips = len({sign.clip_id for sign in found})
  kinds = collections.Counter(sign.kind for sign in found)
  counted = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
  rows = [
    [sign.kind, _linked(sign.clip_id, places), sign.split, html.escape(sign.about)]
    for sign in sorted(found, key=lambda sign: (sign.kind, sign.split, sign.clip_id))
  ]
  return (
    f"{title} <small>{clips:,} of the {clips_read:,} clips that were read</small></h2>\n"
    f'<p class="note">A sign is no proof: look at these clips. {counted}.</p>\n'
    + _table(("sign", "clip", "split", "what was seen"), rows, "The clips that look wrong")
  )


def failures(found: Sequence[Mapping[str, str]]) -> str:
  """Returns the clips that could not be used: by reason, and all of them."""
  if not found:
    return (
      '<h2 id="failures">Failures</h2>\n<p class="note">Every clip of the manifest could be used.'
      "</p>"
    )
  kinds = collections.Counter((one["stage"], one["error"]) for one in found).most_common()
  rows = []
  for kind, count in kinds[:_KINDS_SHOWN]:
    first = next(one for one in found if (one["stage"], one["error"]) == kind)
    rows.append([*map(html.escape, kind), f"{count:,}", html.escape(first["path"])])
  every = [[html.escape(one[key]) for key in ("path", "stage", "error")] for one in found]
  return (
    f'<h2 id="failures">Failures <small>{len(found):,} clips</small></h2>\n'
    + _plain_table(("stage", "error", "clips", "the first"), rows)
    + _table(("clip", "stage", "error"), every, "All failures", unfolded=0)
  )


def _table(
  header: Sequence[str], rows: Sequence[Sequence[str]], title: str, unfolded: int = _UNFOLDED
) -> str:
  """Returns a table, folded if it is long; of a very long one, the beginning."""
  opened = " open" if len(rows) <= unfolded else ""
  left = len(rows) - _ROWS_SHOWN
  note = f'<p class="note">and {left:,} more: {metadata.FAILURES_NAME}</p>' if left > 0 else ""
  return (
    f"<details{opened}><summary>{title} ({len(rows):,})</summary>\n"
    f"{_plain_table(header, rows[:_ROWS_SHOWN])}{note}</details>"
  )


def _plain_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  cells = [
    "".join(f"<{tag}>{text}</{tag}>" for text in row)
    for tag, row in zip(["th", *["td"] * len(rows)], [header, *rows])
  ]
  table = "".join(f"<tr>{row}</tr>" for row in cells)
  return f'<div class="scroll"><table>{table}</table></div>'


def _linked(clip_id: str, places: Mapping[str, str]) -> str:
  text = html.escape(clip_id)
  return f'<a href="#{places[clip_id]}">{text}</a>' if clip_id in places else text
