"""Several runs side by side, as a table for a terminal and as a page."""

from collections.abc import Iterator, Sequence
import os
import statistics

from matplotlib import ticker

from official.reports import colours
from official.reports import comparison as comparison_lib
from official.reports import curves
from official.reports import page
from official.reports import pictures
from official.reports import words
from official.reports.comparison import Compared
from official.reports.comparison import Comparison
from official.reports.comparison import Group
from official.reports.sections import winner
from official.runs import fitness as fitness_lib

_SHARED_SHOWN = 30
_WINNERS_SHOWN = 12
_HEADER = (
  "run",
  "seed",
  "state",
  "candidates",
  "best fitness",
  "test metric",
  "95 % interval",
  "test clips",
  "hours",
  "processor hours",
  "parameters",
  "multiply-adds",
)


def html(compared: Comparison, output: str) -> str:
  """Returns the page, whose links lead from the folder of `output` to the runs."""
  return page.html(
    f"{words.count(len(compared.runs), 'run')} compared", sections(compared, output), base=""
  )


def sections(compared: Comparison, output: str = "") -> list[page.Section]:
  """Returns the sections of the page."""
  folder = os.path.dirname(os.path.abspath(output))
  with pictures.style():
    made = [
      page.Section("results", "Results", list(_results(compared, folder))),
      page.Section("curves", "Best fitness", list(_curves(compared))),
      page.Section("flags", "Flags that differ", [_flags(compared)]),
      page.Section("shared", "Shared architectures", list(_shared(compared))),
      page.Section("winners", "The winners", list(_winners(compared))),
    ]
  return [section for section in made if section.parts]


def text(compared: Comparison) -> str:
  """Returns the comparison for a terminal."""
  lines = _aligned([_HEADER, *([_plain(cell) for cell in _row(each)] for each in compared.runs)])
  if any(len(group.members) > 1 for group in compared.groups):
    header, *rows = _group_rows(compared)
    lines += ["", *_aligned([header, *([_plain(cell) for cell in row] for row in rows)])]
  if compared.differences:
    lines += ["", *_aligned(_flag_rows(compared))]
  lines += ["", *_shared_lines(compared), *compared.notes]
  return "\n".join(lines)


def _row(each: Compared) -> list[page.Cell]:
  test, run = each.test, each.run
  result = run.results.get(run.winner) if run.winner is not None else run.final
  interval = None
  if test and test.low is not None and test.high is not None:
    interval = f"{test.low:.3f} to {test.high:.3f}".replace(" ", "\N{NO-BREAK SPACE}")
  return [
    each.label,
    each.seed,
    words.condition(run),
    len(run.results) if run.is_search else None,
    each.best,
    None if test is None else f"{test.name}\N{NO-BREAK SPACE}{test.value:.4f}",
    interval,
    test.clips if test else None,
    None if each.hours is None else f"{each.hours:.2f}",
    None if each.processor_hours is None else f"{each.processor_hours:.2f}",
    result.params if result else None,
    None if result is None or result.multiply_adds is None else words.size(result.multiply_adds),
  ]


def _group_rows(compared: Comparison) -> list[list[page.Cell]]:
  rows: list[list[page.Cell]] = [
    ["runs that differ in their seed", "runs", "best fitness, mean", "range", "test, mean", "range"]
  ]
  for group in compared.groups:
    best = [each.best for each in group.members if each.best is not None]
    test = [each.test.value for each in group.members if each.test is not None]
    rows.append([group.label, len(group.members), *_spread(best), *_spread(test)])
  return rows


def _spread(values: Sequence[float]) -> tuple[page.Cell, page.Cell]:
  if not values:
    return None, None
  return statistics.fmean(values), f"{min(values):.4f}\N{EN DASH}{max(values):.4f}"


def _results(compared: Comparison, folder: str) -> Iterator[page.Part]:
  for note in compared.notes:
    yield page.Text(note)
  rows = [[page.Link(each.label, _link(each, folder)), *_row(each)[1:]] for each in compared.runs]
  yield page.Table(
    "The runs",
    _HEADER,
    rows,
    note="Best fitness is that of the search, on the validation clips, which chose it; test "
    "metrics are those of the final training, on clips that chose nothing.",
    sortable=True,
  )
  if any(len(group.members) > 1 for group in compared.groups):
    header, *group_rows = _group_rows(compared)
    yield page.Table(
      "Runs that differ in their seed alone", [str(name) for name in header], group_rows
    )
  if len([each for each in compared.runs if each.test]) > 1:
    yield _test_figure(compared)


def _link(each: Compared, folder: str) -> str:
  run = os.path.abspath(each.run.folder)
  report = os.path.join(run, "report.html")
  return os.path.relpath(report if os.path.exists(report) else run, folder).replace(os.sep, "/")


def _test_figure(compared: Comparison) -> page.Figure:
  known = [(each, each.test) for each in compared.runs if each.test]
  names = sorted({test.name for _, test in known})
  picture, axes = pictures.chart(720, 70 + 24 * len(known))
  colour = _colours(compared)
  for place, (each, test) in enumerate(known):
    if test.low is not None and test.high is not None:
      axes.plot([test.low, test.high], [place, place], color=colour[each.label], linewidth=1.5)
    point = axes.scatter([test.value], [place], color=colour[each.label], s=46, zorder=3)
    pictures.hover(point, f"{each.label}: {test.name} {test.value:.4f}")
  axes.set_yticks(range(len(known)), [each.label for each, _ in known])
  axes.set_ylim(len(known) - 0.5, -0.5)
  axes.set_xlabel(f"{', '.join(names)} on the test clips")
  return page.Figure(
    "test",
    "Test metrics after the final training",
    "A point is a run; its line is the 95 % interval that the number of test clips allows. Runs "
    "of one colour differ in their seed alone.",
    picture,
    page.Table(
      "Test metrics",
      ("run", "metric", "value", "low", "high", "clips"),
      [(e.label, t.name, t.value, t.low, t.high, t.clips) for e, t in known],
    ),
  )


def _colours(compared: Comparison) -> dict[str, str]:
  """Returns a colour for each run, that of its group."""
  return {
    member.label: colours.series(place)
    for place, group in enumerate(compared.groups)
    for member in group.members
  }


def _curves(compared: Comparison) -> Iterator[page.Part]:
  searches = [each for each in compared.runs if each.best is not None]
  if not searches:
    return
  fitness = searches[0].run.fitness
  groups = []
  for group in compared.groups:
    members = [m for m in group.members if m.best is not None and m.run.fitness == fitness]
    if members:
      groups.append((group, [member.curve for member in members if member.curve]))
  figures = [
    figure
    for over_hours in (False, True)
    if (figure := _curve_figure(compared, groups, fitness, over_hours))
  ]
  yield page.Grid(figures)


def _curve_figure(
  compared: Comparison,
  groups: Sequence[tuple[Group, list[curves.Curve]]],
  fitness: str,
  over_hours: bool,
) -> page.Figure | None:
  label = "hours of searching" if over_hours else "finished candidates"
  picture, axes = pictures.chart(660, 380)
  colour = _colours(compared)
  rows: list[tuple[page.Cell, ...]] = []
  for group, members in groups:
    band = curves.band(members, over_hours=over_hours)
    if not band.at:
      continue
    shade = colour[group.members[0].label]
    if len(members) > 1:
      axes.fill_between(
        band.at, band.low, band.high, color=shade, alpha=0.15, linewidth=0, step="post"
      )
    count = f" ({len(members)} seeds)" if len(members) > 1 else ""
    [line] = axes.plot(
      band.at, band.mean, color=shade, drawstyle="steps-post", label=group.label + count
    )
    pictures.hover(line, f"{group.label}{count}: {fitness} {band.mean[-1]:.4f} at the end")
    rows += [(group.label, round(at, 4), mean, low, high) for at, mean, low, high in _thinned(band)]
  if not rows:
    return None
  less = "" if fitness_lib.higher_is_better(fitness) else " (less is better)"
  axes.set_xlabel(label)
  axes.set_ylabel(f"best {fitness} so far{less}")
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=not over_hours))
  pictures.legend_above(axes, columns=2)
  return page.Figure(
    f"best-over-{'hours' if over_hours else 'candidates'}",
    f"Best {fitness} over {label}",
    "The best so far on the validation clips. Where several runs differ in their seed alone, the "
    "line is their mean and the band reaches from the worst to the best of them.",
    picture,
    page.Table("Best so far", ("runs", label, "mean", "lowest", "highest"), rows),
  )


def _thinned(band: curves.Band, most: int = 40) -> Iterator[tuple[float, float, float, float]]:
  """Yields the values of a band at no more than so many places, the last among them."""
  step = max(1, -(-len(band.at) // most))
  places = [*range(0, len(band.at) - 1, step), len(band.at) - 1]
  for place in places:
    yield band.at[place], band.mean[place], band.low[place], band.high[place]


def _flag_rows(compared: Comparison) -> list[list[str]]:
  header = ["flag", *(group.label for group in compared.groups)]
  return [header, *([each.flag, *each.values] for each in compared.differences)]


def _flags(compared: Comparison) -> page.Part:
  header, *rows = _flag_rows(compared)
  if not rows:
    return page.Text("No flag differs, but perhaps the seed.")
  return page.Table(
    "Flags that differ between the runs, without the seed",
    header,
    rows,
    note="A dash is a flag that is not recorded, as in runs from before there was such a flag; it "
    "then had its default.",
  )


def _shared(compared: Comparison) -> Iterator[page.Part]:
  yield page.Text(" ".join(_shared_lines(compared)[:1]))
  if compared.shared:
    yield page.Table(
      "Architectures that several runs have trained",
      ("architecture", "where", "of them winners or ancestors of one"),
      [
        (place, "; ".join(map(_sighting, sightings)), sum(bool(each.role) for each in sightings))
        for place, sightings in enumerate(compared.shared[:_SHARED_SHOWN], start=1)
      ],
      note=_rest(compared),
    )


def _shared_lines(compared: Comparison) -> list[str]:
  if not compared.shared:
    return ["No architecture was trained in more than one of the runs."]
  told = sum(any(each.role for each in some) for some in compared.shared)
  count = len(compared.shared)
  lines = [
    f"{words.count(count, 'architecture')} {'was' if count == 1 else 'were'} trained in more than "
    f"one run, {told} of which won or {'is an ancestor' if told == 1 else 'are ancestors'} of a "
    "winner."
  ]
  lines += ["  " + "; ".join(map(_sighting, some)) for some in compared.shared[:10] if told]
  return lines


def _rest(compared: Comparison) -> str:
  rest = len(compared.shared) - _SHARED_SHOWN
  return f"{rest} more are not listed." if rest > 0 else ""


def _sighting(each: comparison_lib.Sighting) -> str:
  fitness = "" if each.fitness is None else f" {each.fitness:.4f}"
  role = f" ({each.role})" if each.role else ""
  return f"{each.label} {words.candidate(each.number)}{fitness}{role}"


def _winners(compared: Comparison) -> Iterator[page.Part]:
  for place, each in enumerate(compared.runs[:_WINNERS_SHOWN]):
    number = each.run.winner
    network = None if number is None else winner.of_candidate(each.run, number)
    if network is not None and number is not None:
      part = winner.figure(
        f"winner-{place}", f"{each.label}, candidate {words.candidate(number)}", network
      )
      yield page.Details(part.title, [part])
  rest = len(compared.runs) - _WINNERS_SHOWN
  if rest > 0:
    yield page.Text(f"The winners of {rest} more runs are in their own reports.")


def _plain(cell: page.Cell) -> str:
  if cell is None:
    return "-"
  if isinstance(cell, float):
    return f"{cell:.4f}"
  return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _aligned(rows: Sequence[Sequence[page.Cell]]) -> list[str]:
  """Returns rows of texts as lines in columns."""
  texts = [[str(cell) for cell in row] for row in rows]
  widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
  return [
    "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for row in texts
  ]
