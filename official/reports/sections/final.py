"""The final network: learning curves, which class is taken for which, and the worst answers."""

from collections.abc import Sequence

from data_prep.common import cli
from data_prep.common import intervals
from official.reports import facts
from official.reports import film_strips
from official.reports import final_files
from official.reports import final_pictures
from official.reports import page
from official.reports import words
from official.tasks import contract

_STRIPS = 12
_LISTED = 50
_TOLD_OF_PIXELS = ("psnr", "ssim", "input_psnr", "input_ssim", "mean_iou", "pixel_accuracy")


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None of a run that has trained nothing to the end."""
  answers, examples = final_files.answers(run), final_files.examples(run)
  curves = _curves(run)
  if not (run.final or answers or examples or curves):
    return None
  parts: list[page.Part] = [page.Text(_sentence(run)), *_metrics(run)]
  if curves:
    parts.append(page.Grid(curves))
  split = "test" if answers.get("test") else "validation"
  if answers.get(split):
    parts += _of_labels(run, answers[split], split)
  parts += _of_pixels(run, examples)
  if run.final and not (answers or examples):
    parts.append(
      page.Text("An older version of the program trained it, which kept no answers.", note=True)
    )
  return page.Section("final", "The final network", parts)


def _sentence(run: facts.Run) -> str:
  if run.final is None:
    return "It is being trained to the end."
  if run.final.final == "ensemble":
    who = f"An ensemble of {words.count(len(run.final.members or ()), 'network')}"
  else:
    winner = run.winner if run.is_search else None
    who = "The network" if winner is None else f"Candidate {words.candidate(winner)}"
  return (
    f"{who} was trained to the end. The test clips chose nothing and judge fairly; the validation "
    "clips chose the winner, and flatter it."
  )


def _metrics(run: facts.Run) -> list[page.Part]:
  metrics = (run.final.metrics if run.final else None) or {}
  names = list(dict.fromkeys(name for values in metrics.values() for name in values))
  if not names:
    return []
  rows = [(split, *(values.get(name) for name in names)) for split, values in metrics.items()]
  return [page.Table("Metrics of the final network", ("clips", *names), rows)]


def _curves(run: facts.Run) -> list[page.Part]:
  rows = final_files.curve(run)
  names = [name for name in (rows[0] if rows else {}) if name not in ("step", "split")]
  fitness = [one.name for one in run.spec.default_fitness.metrics] if run.spec else names[:1]
  drawn = (final_pictures.curve(rows, name) for name in dict.fromkeys(["loss", *fitness]))
  return [figure for figure in drawn if figure is not None]


def _of_labels(run: facts.Run, found: Sequence[final_files.Answer], split: str) -> list[page.Part]:
  """Returns what there is to say of answers about clips with labels."""
  classes = _classes(run, found)
  parts: list[page.Part] = []
  target = run.spec.target if run.spec else None
  if not (isinstance(target, contract.Labels) and target.several):
    parts.append(final_pictures.confusion(final_files.confusion(found, classes), classes, split))
  parts += [_per_class(found, classes, split), *_wrong(run, found, split)]
  return parts


def _classes(run: facts.Run, found: Sequence[final_files.Answer]) -> tuple[str, ...]:
  seen = {name for one in found for name in (*one.label, *one.answer)}
  known = run.info.classes if run.info else ()
  return known if seen <= set(known) else tuple(sorted(seen))


def _per_class(
  found: Sequence[final_files.Answer], classes: Sequence[str], split: str
) -> page.Table:
  rows = []
  for name in classes:
    true = sum(name in one.label for one in found)
    answered = sum(name in one.answer for one in found)
    both = sum(name in one.label and name in one.answer for one in found)
    rows.append((name, true, *_share(both, true), answered, *_share(both, answered)))
  return page.Table(
    f"Classes, on the {split} clips",
    ("class", "clips", "recall", "95 % interval", "answers", "precision", "95 % interval"),
    rows,
    note="Recall is the share of the clips of a class that were answered so, and precision the "
    "share of such answers that are right; the intervals are Wilson's.",
    sortable=True,
  )


def _share(right: int, count: int) -> tuple[float | None, str | None]:
  if not count:
    return None, None
  low, high = intervals.wilson(right, count)
  return right / count, f"{low:.3f} to {high:.3f}"


def _wrong(run: facts.Run, found: Sequence[final_files.Answer], split: str) -> list[page.Part]:
  worst = final_files.worst(found)
  if not worst:
    return [
      page.Text(f"All {words.count(len(found), 'answer')} about the {split} clips are right.")
    ]
  parts: list[page.Part] = [
    page.Text(
      f"{words.count(len(worst), 'answer')} of {len(found):,} about the {split} clips "
      f"{'is' if len(worst) == 1 else 'are'} wrong. The surest come first."
    ),
    *_strips(run, worst[:_STRIPS], split),
  ]
  table = page.Table(
    "Wrong answers",
    ("clip", "label", "answer", "score"),
    [(one.clip, _told(one.label), _told(one.answer), one.score) for one in worst[:_LISTED]],
    note="" if len(worst) <= _LISTED else "predictions.csv has all.",
  )
  return [*parts, page.Details("Wrong answers as a table", [table])]


def _told(names: Sequence[str]) -> str:
  return "; ".join(names) or "none"


def _strips(run: facts.Run, worst: Sequence[final_files.Answer], split: str) -> list[page.Part]:
  data_dir = run.recorded.operation.get("data_dir")
  if run.info is None or not isinstance(data_dir, str):
    gone = "The dataset is not where it was, or is another one by now: the videos are not shown."
    return [page.Text(gone, note=True)]
  try:
    strips = film_strips.read(data_dir, run.info, split, {one.place: one.clip for one in worst})
  except OSError as error:
    why = f"{error.filename} cannot be read ({error.strerror or error})"
    return [page.Text(f"The videos are not shown: {why}.", note=True)]
  except (ValueError, cli.UserError) as error:
    return [page.Text(f"The videos are not shown: {error}.", note=True)]
  shown: list[page.Part] = [
    page.Image(
      f"wrong-{index}",
      one.clip,
      f"It is {_told(one.label)}; the answer was {_told(one.answer)}, with a score of "
      f"{one.score:.3f}.{_key(strips[one.place])}",
      strips[one.place].png,
    )
    for index, one in enumerate(worst)
    if one.place in strips
  ]
  if not shown:
    moved = "The clips are not at their places in the dataset: the videos are not shown."
    return [page.Text(moved, note=True)]
  key: list[page.Part] = []
  if any(strip.fastest is not None for strip in strips.values()):
    told = "The hue is the direction of motion, and white is still."
    key.append(page.Image("flow-key", "Colours of optical flow", told, film_strips.wheel()))
  return [page.Grid([*shown, *key])]


def _key(strip: film_strips.Strip) -> str:
  if strip.fastest is None:
    return ""
  return f" Below, optical flow: colours are full at {strip.fastest:.1f} pixels per frame."


def _of_pixels(run: facts.Run, examples: Sequence[final_files.Example]) -> list[page.Part]:
  """Returns what there is to see of answers that are frames or masks."""
  rows = final_files.judged(run)
  images: list[page.Part] = []
  for index, example in enumerate(examples):
    row = next((row for row in rows if row["clip"] == example.clip), {})
    told = ", ".join(f"{name} {row[name]}" for name in _TOLD_OF_PIXELS if row.get(name))
    stacked = film_strips.stacked([example.images[name] for name in example.images])
    if stacked:
      order = ", ".join(example.images)
      description = f"From top to bottom: {order}. {told}".rstrip()
      images.append(page.Image(f"example-{index}", example.clip, description, stacked))
  if not images:
    return []
  where = f"the {examples[0].split} clips"
  said = f"The worst {words.count(len(images), 'answer')} about {where}, the worst first."
  columns = [name for name in rows[0] if name not in ("split",)] if rows else []
  table = page.Table(
    "Clips as in predictions.csv",
    columns,
    [[row[name] for name in columns] for row in rows if row["split"] == examples[0].split][
      :_LISTED
    ],
    note=f"At most {_LISTED} are listed.",
  )
  return [page.Text(said), page.Grid(images), page.Details("Clips as a table", [table])]
