"""The page of preview.py: self-contained HTML without scripts, in the style of all our pages."""

import base64
import collections
from collections.abc import Mapping, Sequence
import html
import io

import cv2
import numpy as np

from data_prep.common import page_style
from data_prep.dataset import metadata
from data_prep.dataset import preview_lists
from data_prep.dataset import stream_kinds
from data_prep.dataset.preview_clips import PICTURE_HEIGHT
from data_prep.dataset.preview_clips import Clip
from data_prep.dataset.preview_clips import Summary
from data_prep.dataset.streams import StreamInfo

_CLASSES_UNFOLDED = 30
_STYLE = """
h2 small { color: var(--faint); font-weight: normal; font-size: .7em; }
.strips { overflow-x: auto; }
.strips img { display: block; max-width: max(100%, 720px); height: auto; margin: 2px 0;
              outline: 1px solid var(--line); outline-offset: -1px; }
.charts { display: flex; flex-wrap: wrap; gap: 2em; align-items: flex-start; margin: 1em 0; }
.charts figure { margin: 0; max-width: min(420px, 100%); }
.charts svg { width: 420px; max-width: 100%; height: auto; display: block; }
.charts svg text { fill: #222; }
.charts .key { max-width: 11em; } .charts .key img { border-radius: 50%; display: block; }
@media (prefers-color-scheme: dark) {
  .charts svg { filter: invert(.87) hue-rotate(180deg); }
}
"""


def render(
  name: str,
  info: metadata.DatasetInfo,
  summary: Summary,
  failures: Sequence[Mapping[str, str]],
  *,
  unfolded: int = 3,
) -> str:
  """Returns the page.

  Args:
    name: Name of the dataset.
    info: What is in it.
    summary: What was read of it.
    failures: The lines of failures.jsonl.
    unfolded: Clips of each class that are shown at once; the others are folded.
  """
  scales = {
    stream: max(float(np.percentile(values, 99)), 0.1)
    for stream, values in summary.measured.items()
  }
  shown = {label: f"class-{index}" for index, label in enumerate(summary.shown)}
  shown = {label: key for label, key in shown.items() if summary.shown[label]}
  places = [("looks-wrong", "Looks wrong"), ("failures", "Failures")]
  places += [(key, label or "Clips") for label, key in shown.items()]
  clips = {
    clip.clip_id: f"{key}-{index}"
    for label, key in shown.items()
    for index, clip in enumerate(summary.shown[label])
  }
  parts = [
    _facts(name, info, len(summary.seconds)),
    preview_lists.contents(places if len(places) <= _CLASSES_UNFOLDED else places[:2]),
    *([_class_table(info, summary, shown)] if info.classes else []),
    _charts(summary, info, scales),
    preview_lists.signs(summary.signs, len(summary.seconds), clips),
    preview_lists.failures(failures),
  ]
  parts += [_class(label, key, summary, info, scales, unfolded) for label, key in shown.items()]
  parts.append(_not_shown([label for label in info.classes if not summary.shown[label]], summary))
  return page_style.document(name, "\n".join(parts), style=_STYLE)


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


def _class_table(info: metadata.DatasetInfo, summary: Summary, places: Mapping[str, str]) -> str:
  """Returns the clips of each class in each split; of those that were read, in old datasets."""
  counts = info.class_clips or summary.split_counts
  rows = [("class", *metadata.SPLITS, "all")]
  for index, label in enumerate(info.classes):
    numbers = [counts[split][index] for split in metadata.SPLITS]
    rows.append((label, *(f"{number:,}" for number in (*numbers, sum(numbers)))))
  cells = ["".join(f"<th>{text}</th>" for text in rows[0])]
  for label, *numbers in rows[1:]:
    name = html.escape(label)
    name = f'<a href="#{places[label]}">{name}</a>' if label in places else name
    cells.append(f"<td>{name}</td>" + "".join(f"<td>{number}</td>" for number in numbers))
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
  label: str,
  key: str,
  summary: Summary,
  info: metadata.DatasetInfo,
  scales: Mapping[str, float],
  unfolded: int,
) -> str:
  clips, title = summary.shown[label], html.escape(label or "Clips")
  figures = [_clip(clip, f"{key}-{index}", label, info, scales) for index, clip in enumerate(clips)]
  parts = [
    f'<h2 id="{key}">{title} <small>{len(clips)} of the {summary.counts[label]:,} clips that were '
    "read</small></h2>",
    *figures[:unfolded],
  ]
  if len(figures) > unfolded:
    more = f"{len(figures) - unfolded} more clips of {title}" if label else "More clips"
    parts.append(f"<details><summary>{more}</summary>{''.join(figures[unfolded:])}</details>")
  return "\n".join(parts)


def _clip(
  clip: Clip, key: str, label: str, info: metadata.DatasetInfo, scales: Mapping[str, float]
) -> str:
  strips = []
  for name, pictures in clip.pictures.items():
    kind = stream_kinds.get(info.streams[name].kind)
    shown = [kind.picture(one, scales.get(name)) for one in pictures]
    strips.append(_image(_strip(shown), f"{name} of {clip.clip_id}"))
  content = f'<div class="strips" tabindex="0">{"".join(strips)}</div>'
  return f'<div id="{key}">{_figure(content, _caption(clip, label, info))}</div>'


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
