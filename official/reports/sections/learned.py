"""What the search learned: what survives, what weights are worth, which choices are good."""

from collections.abc import Sequence
import statistics

from matplotlib import ticker
import numpy as np

from official.reports import colours
from official.reports import facts
from official.reports import features
from official.reports import page
from official.reports import pictures
from official.reports import survival

_WIDTH, _HEIGHT = 500, 260
_MOST_POINTS = 1500
_BINS = 10
_SHARES = (
  ("streams", "Streams", "connections that leave stems, by stream", survival.by_stream),
  ("dilations", "Temporal dilations", "blocks, by temporal dilation", survival.by_dilation),
  ("levels", "Levels", "blocks, by level", survival.by_level),
  ("spans", "Spans", "connections, by the levels that they climb", survival.by_span),
)


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None until a few candidates can be compared."""
  if len([step for step in run.history.steps if step.fitness is not None]) < 2:
    return None
  surviving = [_shares(run, name, title, what, counted) for name, title, what, counted in _SHARES]
  parts: list[page.Part] = [
    page.Text(
      "The share of each choice in the living population, from when it was whole. What grows was "
      "passed on by parents that won their tournaments."
    ),
    page.Grid([figure for figure in surviving if figure]),
    page.Grid([each for each in (_variety(run), _weights(run)) if each]),
  ]
  importance = _importance(run)
  return page.Section("learned", "What the search learned", [*parts, *importance])


def _shares(
  run: facts.Run, name: str, title: str, what: str, counted: survival.Counted
) -> page.Figure | None:
  found = survival.shares(run, counted)
  if len(found.at) < 2:
    return None
  if name == "streams":
    chosen = colours.of_streams(found.by_label)
  else:
    chosen = {label: colours.series(place) for place, label in enumerate(found.by_label)}
  picture, axes = pictures.chart(_WIDTH, _HEIGHT)
  below = np.zeros(len(found.at))
  for label, values in found.by_label.items():
    above = below + np.asarray(values)
    area = axes.fill_between(
      found.at, below, above, color=chosen[label], alpha=0.75, linewidth=0, label=label
    )
    pictures.hover(area, f"{label}: {values[0]:.0%} at first, {values[-1]:.0%} at last")
    below = above
  axes.set(xlim=(found.at[0], found.at[-1]), ylim=(0, 1), xlabel="finished candidates")
  axes.set_ylabel("share")
  axes.yaxis.set_major_formatter(ticker.PercentFormatter(1))
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
  pictures.legend_above(axes, columns=5)
  rows = survival.rows(found)
  label, first, last, _ = max(rows, key=lambda row: abs(row[3]))
  return page.Figure(
    f"share-of-{name}",
    title,
    f"Shares of {what}. The largest change is that of {label}: {first:.0%} to {last:.0%}.",
    picture,
    page.Table(
      f"Shares of {what}",
      (name, "first population", "last population", "change"),
      [(label, f"{a:.1%}", f"{b:.1%}", f"{change:+.1%}") for label, a, b, change in rows],
    ),
  )


def _variety(run: facts.Run) -> page.Figure | None:
  found = survival.variety(run)
  if len(found.at) < 2:
    return None
  picture, axes = pictures.chart(_WIDTH, _HEIGHT)
  lines = (
    ("diversity", found.diversity, colours.BLUE, "-"),
    ("density", found.density, colours.ORANGE, "--"),
  )
  for label, values, colour, dashes in lines:
    (line,) = axes.plot(found.at, values, color=colour, linestyle=dashes, label=label)
    pictures.hover(line, f"{label}: {values[0]:.3f} at first, {values[-1]:.3f} at last")
  axes.set(ylim=(0, 1), xlabel="finished candidates")
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
  pictures.legend_above(axes)
  return page.Figure(
    "variety",
    "Diversity and density of the population",
    "Diversity is the mean share of connections that two members do not share, "
    f"{found.diversity[-1]:.2f} at last; near 0 the search has converged. Density is the share of "
    f"possible connections that are there, {found.density[-1]:.2f} at last.",
    picture,
    page.Table(
      "Diversity and density",
      ("finished candidates", "diversity", "density"),
      list(zip(found.at, found.diversity, found.density, strict=True)),
    ),
  )


def _weights(run: facts.Run) -> page.Figure | None:
  """Draws what cutting a connection would have cost against its learned weight."""
  pairs = sorted(_pairs(run))
  if len(pairs) < _BINS:
    return None
  weights, costs = (np.asarray(column) for column in zip(*pairs, strict=True))
  picture, axes = pictures.chart(_WIDTH, _HEIGHT)
  every = -(-len(pairs) // _MOST_POINTS)
  axes.scatter(
    weights[::every], costs[::every], s=12, color=colours.BLUE, alpha=0.35, linewidths=0,
    label="connection",
  )  # fmt: skip
  parts = np.array_split(np.arange(len(pairs)), _BINS)
  middles = [statistics.median(weights[part]) for part in parts]
  medians = [statistics.median(costs[part]) for part in parts]
  axes.plot(middles, medians, color=colours.ORANGE, marker="o", label="median of each tenth")
  low, high = np.quantile(costs, [0.01, 0.99])
  margin = 0.05 * (high - low) or 1.0
  axes.set(xlim=(0, 1), ylim=(low - margin, high + margin))
  axes.set(xlabel="learned weight after training", ylabel="cost of cutting it")
  pictures.legend_above(axes)
  correlation = _rank_correlation(weights, costs)
  return page.Figure(
    "weights-and-sensitivities",
    "Learned weights against what cutting would cost",
    f"Rank correlation {correlation:+.2f} over {len(pairs):,} connections of all candidates. A "
    "weight that says how important a connection is would rise with the cost, as the estimated "
    "rise of the validation loss if the connection were cut.",
    picture,
    page.Table(
      "Tenths of the connections, by learned weight",
      ("weights from", "to", "median cost of cutting"),
      [
        (float(weights[part[0]]), float(weights[part[-1]]), f"{cost:.3g}")
        for part, cost in zip(parts, medians, strict=True)
      ],
    ),
  )


def _pairs(run: facts.Run) -> list[tuple[float, float]]:
  pairs = []
  for result in run.results.values():
    weights = {(each.source, each.target): each.end for each in result.connection_weights or ()}
    for each in result.sensitivities or ():
      weight = weights.get((each.source, each.target))
      if weight is not None and each.value is not None:
        pairs.append((weight, each.value))
  return pairs


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
  if np.ptp(one) == 0 or np.ptp(other) == 0:
    return 0.0
  return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
  """Returns ranks; equal values share the mean of theirs."""
  _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
  last = np.cumsum(counts)
  return (last - (counts - 1) / 2)[inverse]


def _importance(run: facts.Run) -> Sequence[page.Part]:
  found = features.groups(run)
  if not found:
    return []
  height = 60 + 44 * len(found)
  picture, axes = pictures.chart(760, height)
  drawn = (("o", colours.BLUE), ("s", colours.ORANGE), ("D", colours.GREEN))
  for row, (name, groups) in enumerate(found.items()):
    for place, (group, (marker, colour)) in enumerate(zip(groups, drawn)):
      y = row + 0.22 * (place - (len(groups) - 1) / 2)
      axes.plot([group.low, group.high], [y, y], color=colour, linewidth=1.5)
      (dot,) = axes.plot([group.mean], [y], color=colour, marker=marker, linestyle="none")
      told = (
        f"{name} {_range(group)}: mean {run.fitness} {group.mean:.4f}, {group.count} candidates"
      )
      pictures.hover(dot, told)
  for (marker, colour), label in zip(drawn, ("lowest", "middle", "highest")):
    axes.plot([], [], color=colour, marker=marker, linestyle="none", label=f"{label} values")
  axes.set_yticks(range(len(found)), labels=list(found))
  axes.invert_yaxis()
  axes.grid(visible=False, axis="y")
  axes.set_xlabel(f"mean {run.fitness} of a group, with its 95 % interval")
  pictures.legend_above(axes)
  strongest = next(iter(found))
  rows = [
    (name, _range(group), group.count, group.mean, group.low, group.high)
    for name, groups in found.items()
    for group in groups
  ]
  figure = page.Figure(
    "importance",
    "Which choices go with a good fitness",
    f"Candidates in groups by what their architecture is like. The groups differ most in: "
    f"{strongest}. Children resemble their parents, so this describes the search and is no proof.",
    picture,
    page.Table(
      "Mean fitness by feature",
      ("feature", "values", "candidates", f"mean {run.fitness}", "from", "to"),
      rows,
      note="From and to are the bounds of the 95 % interval of the mean.",
    ),
  )
  return [figure]


def _range(group: features.Group) -> str:
  shown = [
    f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in (group.least, group.most)
  ]
  return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"
