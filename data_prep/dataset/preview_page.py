"""The page of preview.py: self-contained HTML without scripts."""

import base64
import collections
from collections.abc import Mapping, Sequence
import html
import io

import cv2
import numpy as np

from data_prep.dataset import metadata
from data_prep.dataset import stream_kinds
from data_prep.dataset.preview_clips import PICTURE_HEIGHT
from data_prep.dataset.preview_clips import Clip
from data_prep.dataset.preview_clips import Summary
from data_prep.dataset.streams import StreamInfo

_FAILURES_SHOWN = 100
_CLASSES_UNFOLDED = 30
_STYLE = """
:root { color-scheme: light dark; --text: #222; --faint: #666; --line: #e4e4e4; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ddd; --faint: #a0a0a0; --line: #3a3a3a; --page: #181818; }
  svg { filter: invert(.87) hue-rotate(180deg); }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
       max-width: 1100px; margin: 2em auto; padding: 0 1.5em; overflow-wrap: anywhere; }
h1 { font-size: 1.6em; margin: 0; } h2 { font-size: 1.2em; margin: 2em 0 .5em; }
h2 small, figcaption, .note { color: var(--faint); font-weight: normal; font-size: .85em; }
table { border-collapse: collapse; margin: .5em 0; }
th, td { text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0;
         border-bottom: 1px solid var(--line); }
th { font-weight: 600; overflow-wrap: normal; } td:first-child { white-space: nowrap; }
figure { margin: .7em 0 1.2em; }
.strips { overflow-x: auto; }
.strips img { display: block; max-width: max(100%, 720px); height: auto; margin: 2px 0;
              outline: 1px solid var(--line); outline-offset: -1px; }
.charts { display: flex; flex-wrap: wrap; gap: 2em; align-items: flex-start; margin: 1em 0; }
.charts figure { margin: 0; max-width: min(420px, 100%); }
.charts svg { width: 420px; max-width: 100%; height: auto; display: block; }
.charts .key { max-width: 11em; } .charts .key img { border-radius: 50%; display: block; }
"""


def render(
  name: str, info: metadata.DatasetInfo, summary: Summary, failures: Sequence[Mapping[str, str]]
) -> str:
  """Returns the page.

  Args:
    name: Name of the dataset.
    info: What is in it.
    summary: What was read of it.
    failures: The lines of failures.jsonl.
  """
  scales = {
    stream: max(float(np.percentile(values, 99)), 0.1)
    for stream, values in summary.measured.items()
  }
  parts = [
    _facts(name, info, len(summary.seconds)),
    *([_class_table(info, summary)] if info.classes else []),
    _charts(summary, info, scales),
  ]
  parts += [_class(label, summary, info, scales) for label, clips in summary.shown.items() if clips]
  parts.append(_not_shown([label for label in info.classes if not summary.shown[label]], summary))
  parts.append(_failures(failures))
  return (
    f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    f'<meta name="viewport" content="width=device-width">\n'
    f"<title>{html.escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    + "\n".join(parts)
    + "\n</body>\n</html>\n"
  )


def _facts(name: str, info: metadata.DatasetInfo, clips_read: int) -> str:
  total = sum(split.clips for split in info.splits.values())
  rows = [
    (
      "clips",
      ", ".join(f"{split.clips:,} {key}" for key, split in info.splits.items())
      + f"; {info.failures:,} could not be used",
    ),
    (
      "frames",
      f"{sum(split.frames for split in info.splits.values()):,}, {info.fps:g} a second, "
      f"shorter side {info.short_side} pixels",
    ),
    ("classes", f"{len(info.classes):,}" + (", several to a clip" if info.multi_label else "")),
    ("streams", "; ".join(_stream(key, stream) for key, stream in info.streams.items())),
  ]
  kinds = collections.Counter(note for notes in info.notes.values() for note in set(notes))
  if kinds:
    rows.append(
      (
        "notes",
        "; ".join(f"{count:,} x {note}" for note, count in kinds.most_common(9))
        + f" ({metadata.FILE_NAME} says of which clips)",
      )
    )
  table = "".join(f"<tr><th>{key}</th><td>{html.escape(text)}</td></tr>" for key, text in rows)
  return (
    f"<h1>{html.escape(name)}</h1>\n<table>{table}</table>\n"
    f'<p class="note">Figures and pictures are of {clips_read:,} of the {total:,} clips.</p>'
  )


def _class_table(info: metadata.DatasetInfo, summary: Summary) -> str:
  """Returns the clips of each class in each split; of those that were read, in old datasets."""
  counts = info.class_clips or summary.split_counts
  rows = [("class", *metadata.SPLITS, "all")]
  for index, label in enumerate(info.classes):
    numbers = [counts[split][index] for split in metadata.SPLITS]
    rows.append((label, *(f"{number:,}" for number in (*numbers, sum(numbers)))))
  cells = [
    "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in row)
    for tag, row in zip(["th"] + ["td"] * len(rows), rows)
  ]
  what = "Clips by class and split" + ("" if info.class_clips else ", of those that were read")
  opened = " open" if len(info.classes) <= _CLASSES_UNFOLDED else ""
  return (
    f"<details{opened}><summary>{what}</summary>\n<table>"
    + "".join(f"<tr>{row}</tr>" for row in cells)
    + "</table></details>"
  )


def _stream(name: str, stream: StreamInfo) -> str:
  described = stream_kinds.get(stream.kind).describe(stream)
  channels = f"{stream.channels} channels"
  return f"{name} ({', '.join(filter(None, (channels, stream.format, described)))})"


def _charts(summary: Summary, info: metadata.DatasetInfo, scales: Mapping[str, float]) -> str:
  figures = [_figure(_histogram(summary.seconds, "seconds", "clips"), "length of the clips")]
  for name, numbers in summary.measured.items():
    stream = info.streams[name]
    chart = stream_kinds.get(stream.kind).chart(
      name, stream, numbers, summary.cut_off[name], scales[name]
    )
    drawn = _histogram(chart.numbers, chart.axis, "share of places", logarithmic=True)
    figures.append(_figure(drawn, chart.caption))
    figures.append(_figure(_image(chart.key, chart.key_name), chart.key_caption, "key"))
  return '<div class="charts">' + "".join(figures) + "</div>"


def _class(
  label: str, summary: Summary, info: metadata.DatasetInfo, scales: Mapping[str, float]
) -> str:
  clips, title = summary.shown[label], html.escape(label or "Clips")
  parts = [
    f"<h2>{title} <small>{len(clips)} of the {summary.counts[label]:,} clips that were read"
    "</small></h2>"
  ]
  for clip in clips:
    strips = []
    for name, pictures in clip.pictures.items():
      kind = stream_kinds.get(info.streams[name].kind)
      shown = [kind.picture(one, scales.get(name)) for one in pictures]
      strips.append(_image(_strip(shown), f"{name} of {clip.clip_id}"))
    content = f'<div class="strips">{"".join(strips)}</div>'
    parts.append(_figure(content, _caption(clip, label, info)))
  return "\n".join(parts)


def _caption(clip: Clip, label: str, info: metadata.DatasetInfo) -> str:
  others = [other for other in clip.labels if other != label]
  return (
    f"{clip.clip_id} · {clip.split} · {clip.frames} frame{'s' * (clip.frames > 1)}, "
    f"{clip.frames / info.fps:.1f} s" + (f" · also {', '.join(others)}" if others else "")
  )


def _not_shown(labels: Sequence[str], summary: Summary) -> str:
  """Returns the classes without pictures, of the largest number of clips first."""
  if not labels:
    return ""
  counted = sorted(labels, key=lambda label: -summary.counts[label])
  text = ", ".join(f"{label} ({summary.counts[label]:,})" for label in counted)
  return (
    f"<h2>Classes that are not shown <small>{len(labels):,}, with the clips that were read"
    f'</small></h2>\n<p class="note">{html.escape(text)}</p>'
  )


def _failures(failures: Sequence[Mapping[str, str]]) -> str:
  if not failures:
    return '<h2>Failures</h2>\n<p class="note">Every clip of the manifest could be used.</p>'
  kinds = collections.Counter((one["stage"], one["error"]) for one in failures).most_common()
  rows = [("stage", "error", "clips", "the first")]
  for kind, count in kinds[:_FAILURES_SHOWN]:
    first = next(one for one in failures if (one["stage"], one["error"]) == kind)
    rows.append((*kind, f"{count:,}", first["path"]))
  cells = [
    "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in row)
    for tag, row in zip(["th"] + ["td"] * len(rows), rows)
  ]
  return (
    f"<h2>Failures <small>{len(failures):,} clips</small></h2>\n<table>"
    + "".join(f"<tr>{row}</tr>" for row in cells)
    + "</table>"
  )


def _figure(content: str, caption: str, kind: str = "") -> str:
  attribute = f' class="{kind}"' if kind else ""
  return f"<figure{attribute}>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _strip(pictures: Sequence[np.ndarray]) -> np.ndarray:
  """Returns the pictures side by side, grey between them: where nothing moves, flow is white."""
  gap = np.full((PICTURE_HEIGHT, 3, 3), 215, np.uint8)
  return np.hstack([part for one in pictures for part in (one, gap)][:-1])


def _image(rgb: np.ndarray, description: str) -> str:
  data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
  return (
    f'<img src="data:image/jpeg;base64,{base64.b64encode(data).decode()}" '
    f'width="{rgb.shape[1]}" height="{rgb.shape[0]}" alt="{html.escape(description)}">'
  )


def _histogram(values: np.ndarray, x_label: str, y_label: str, *, logarithmic: bool = False) -> str:
  """Returns an SVG; counts, or with `logarithmic` shares on such an axis."""
  import matplotlib  # Takes a while: not for --help.
  from matplotlib import figure

  with matplotlib.rc_context(
    {
      "svg.fonttype": "none",
      "font.size": 9,
      "svg.hashsalt": x_label,
      "axes.spines.top": False,
      "axes.spines.right": False,
    }
  ):
    drawing = figure.Figure(figsize=(4.4, 2.2), layout="constrained")
    drawing.patch.set_visible(False)  # The page's own ground shows, dark or light.
    axes = drawing.subplots()
    axes.patch.set_visible(False)
    weights = np.full(values.shape, 1 / len(values)) if logarithmic else None
    axes.hist(values, bins=30, weights=weights, color="#4477aa", log=logarithmic)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    text = io.StringIO()
    drawing.savefig(text, format="svg", metadata={"Date": None})
  return text.getvalue()[text.getvalue().index("<svg") :]
