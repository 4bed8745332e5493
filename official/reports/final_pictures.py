"""Pictures of a final training: its learning curve, and which class was taken for which."""

from collections.abc import Sequence

from matplotlib import patches
from matplotlib.axes import Axes
import numpy as np

from official.reports import colours
from official.reports import page
from official.reports import pictures

_NAMED_UP_TO = 60  # Classes: of more, a matrix is not drawn, for nobody would read it.
_COUNTED_UP_TO = 30
_LABEL = 24  # Characters of a name in a picture.
_STRONGEST = 0.55  # Opacity of a full cell: its number stays legible.


def curve(rows: Sequence[dict[str, str]], metric: str) -> page.Figure | None:
  """Returns a metric over steps, of training and validation; None without two points.

  Args:
    rows: Those of curve.csv.
    metric: Name of its column.
  """
  series = {
    split: [
      (int(row["step"]), float(row[metric]))
      for row in rows
      if row["split"] == split and row.get(metric)
    ]
    for split in ("train", "validation")
  }
  if max(map(len, series.values())) < 2:
    return None
  picture, axes = pictures.chart(480, 300)
  if series["train"]:
    axes.plot(*zip(*series["train"]), color=colours.BLUE, linewidth=1.5, label="training clips")
  if series["validation"]:
    points = axes.plot(
      *zip(*series["validation"]), color=colours.ORANGE, marker="o", label="validation clips"
    )[0]
    last = series["validation"][-1]
    pictures.hover(points, f"validation: {metric} {last[1]:.4f} at step {last[0]}")
  axes.set_xlabel("step")
  axes.set_ylabel(metric)
  axes.legend()
  ends = [
    f"{what} from {points[0][1]:.4f} to {points[-1][1]:.4f}"
    for what, points in (
      ("on training clips", series["train"]),
      ("on validation clips", series["validation"]),
    )
    if len(points) > 1
  ]
  table = page.Table(
    f"{metric} by step",
    ("step", "clips", metric),
    [(step, split, value) for split, points in series.items() for step, value in points],
  )
  words = metric.replace("_", " ")
  return page.Figure(
    f"curve-{metric.replace('_', '-')}",
    f"{words[0].upper()}{words[1:]} over the steps of training",
    f"It went {' and '.join(ends)}. Training clips are augmented, and their points are means over "
    "the steps since the one before.",
    picture,
    table,
  )


def confusion(counts: np.ndarray, classes: Sequence[str], split: str) -> page.Figure | page.Table:
  """Returns which class was taken for which, as a picture, or of many classes as a table.

  Args:
    counts: Clips by [class, answer].
    classes: Names.
    split: Whose clips they are.
  """
  wrong = [
    (classes[true], classes[answer], int(count))
    for (true, answer), count in np.ndenumerate(counts)
    if count and true != answer
  ]
  wrong.sort(key=lambda row: -row[2])
  table = page.Table(
    f"Mistakes on the {split} clips",
    ("class", "answered", "clips"),
    wrong,
    note="" if wrong else "There is none.",
  )
  if len(classes) > _NAMED_UP_TO:
    return table
  side = min(max(200 + 36 * len(classes), 320), 1000)
  picture, axes = pictures.chart(side + 60, side)
  _draw(axes, counts, [name if len(name) <= _LABEL else f"{name[:_LABEL]}..." for name in classes])
  told = (
    f"Of {int(counts.sum())} clips {int(np.trace(counts))} are on the diagonal, which is right."
  )
  if wrong:
    most = wrong[0]
    told += f" The most frequent mistake: {most[0]} taken for {most[1]}, {most[2]} times."
  title = f"Which class is taken for which ({split} clips)"
  return page.Figure("confusion", title, told, picture, table)


def _draw(axes: Axes, counts: np.ndarray, names: Sequence[str]) -> None:
  totals = np.maximum(counts.sum(1), 1)
  for (true, answer), count in np.ndenumerate(counts):
    if not count:
      continue
    cell = patches.Rectangle(
      (answer - 0.5, true - 0.5),
      1,
      1,
      facecolor=colours.BLUE if true == answer else colours.ORANGE,
      alpha=_STRONGEST * (0.15 + 0.85 * float(count / totals[true])),
      linewidth=0,
    )
    axes.add_patch(cell)
    pictures.hover(cell, f"{names[true]} taken for {names[answer]}: {count}")
    if len(names) <= _COUNTED_UP_TO:
      axes.text(answer, true, str(count), ha="center", va="center", color=colours.INK)
  axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
  axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
  axes.set_yticks(range(len(names)), names)
  axes.set(xlabel="answer", ylabel="class")
  axes.grid(visible=False)
