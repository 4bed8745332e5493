"""The frame and the look of every page that we write: one HTML file that needs nothing else.

A page can be read without scripts and may load nothing: a content security policy says so to the
browser, and names the scripts that may run by their hashes. It is light or dark as the reader's
system is, from 360 to 2,000 pixels wide, and can be printed. What a page shows is put together
elsewhere; what a user wrote has to be escaped there.
"""

import base64
from collections.abc import Sequence
import hashlib
import html

from data_prep.common import page_colours

_STYLE = """
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 1400px; margin: 0 auto; padding: 1.5rem; overflow-wrap: anywhere; }
a { color: var(--link); } a:focus-visible, summary:focus-visible, button:focus-visible,
[tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.7em; line-height: 1.25; margin: 0 0 .2em; }
h2 { font-size: 1.35em; line-height: 1.25; margin: 2.2em 0 .5em; padding-top: .5em;
     border-top: 1px solid var(--line); }
h3 { font-size: 1.05em; margin: 1.4em 0 .3em; }
p { max-width: 48em; margin: .5em 0; }
.subtitle, .note, figcaption, caption { color: var(--faint); font-size: .9em; }
.skip { position: absolute; left: -99em; } .skip:focus { position: static; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2em 1.2em; padding: 0;
         margin: 1em 0; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; margin: .5em 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3em; }
th, td { text-align: left; vertical-align: top; padding: .2em .9em .2em 0;
         border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 40em; }
th { font-weight: 600; } th.number, td.number { text-align: right; white-space: nowrap; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
            text-align: inherit; cursor: pointer; text-decoration: underline dotted; }
.grid { display: grid; gap: 0 2em;
        grid-template-columns: repeat(auto-fit, minmax(min(30em, 100%), 1fr)); }
figure { margin: 1em 0 1.5em; min-width: 0; }
figure h3 { margin-top: .3em; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { fill: var(--ink); }
figure img { display: block; max-width: 100%; height: auto; }
figure .wide img { max-width: none; }
figcaption { max-width: 48em; margin: .3em 0; }
details { margin: .3em 0; } summary { cursor: pointer; color: var(--link); }
pre { background: var(--panel); padding: .6em .8em; overflow-x: auto; border-radius: 4px;
      white-space: pre-wrap; margin: .5em 0; }
code { font-family: ui-monospace, monospace; font-size: .93em; }
@media (max-width: 600px) { body { padding: .8rem; } }
@media print { body { max-width: none; padding: 0; } nav, .skip { display: none; }
  figure, tr { break-inside: avoid; } a { color: inherit; } }
"""
# Sorts a table of the class `sortable` by a column; without it, a table stays as it was written.
SORTING = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, n) => row.cells[n].dataset.value ?? row.cells[n].textContent;
  const number = (text) => text.trim() !== "" && !isNaN(text);
  heads.forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a, n), y = key(b, n);
        const order = number(x) && number(y) ? x - y : x.localeCompare(y);
        return up ? order : -order;
      });
      body.append(...rows);
    });
  });
}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def document(
  title: str,
  body: str,
  *,
  style: str = "",
  scripts: Sequence[str] = (),
  connects: bool = False,
) -> str:
  """Returns a whole page.

  Args:
    title: Its title, as text.
    body: What it shows, as HTML.
    style: Style rules beside those of all pages.
    scripts: Scripts, without which the page must be readable; no other may run.
    connects: Whether they may ask the server that the page came from.
  """
  hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
  policy = _POLICY
  if scripts:
    policy += "; script-src " + " ".join(f"'sha256-{each}'" for each in hashes)
  if connects:
    policy += "; connect-src 'self'"
  return (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<link rel="icon" href="data:,">\n'
    f"<title>{html.escape(title)}</title>\n"
    f"<style>\n{page_colours.css()}{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n"
    + "".join(f"<script>{each}</script>\n" for each in scripts)
    + "</body>\n</html>\n"
  )
