"""The model card of an exported network, in Markdown."""

from collections.abc import Mapping, Sequence
import math
import types
from typing import Any

from data_prep.dataset import metadata
from data_prep.dataset import stream_kinds
from official.inputs import stream_sizes
from official.inputs import stream_tensors
from official.serving import frames as frames_lib
from official.tasks import answering
from official.tasks import baselines as baselines_lib

# How the architecture of a searched network came about, by the algorithm of the search.
_CHOSEN_BY = {
  "evolution": ", whose connections evolution chose",
  "random_search": ", of the best that a random search drew",
}


def render(
  info: metadata.DatasetInfo,
  served: answering.Served,
  clip: frames_lib.ClipFormat,
  architectures: Sequence[Mapping],
  facts: Mapping[str, Any],
  names: Sequence[str] | None = None,
  *,
  pictures: Sequence[str] = (),
) -> str:
  """Returns the text of model_card.md.

  Args:
    info: The dataset that it was trained on.
    served: How its task is served.
    clip: What it takes.
    architectures: One for each member; a single network has one.
    facts: What is known of `metrics` and `baselines` by split, `params`, `multiply_adds`,
      `candidates` (numbers), `training` and `search` (values by name); what is missing is left out.
    names: What answers tell apart; the dataset's classes by default.
    pictures: Names of files beside the card that show the networks.
  """
  names = info.classes if names is None else names
  return (
    "\n\n".join(
      part
      for part in (
        _title(names, served, architectures, facts.get("search") or {}),
        _pictures(pictures),
        _calls(names, served, clip),
        _data(info, clip),
        _metrics(
          facts.get("metrics") or {},
          facts.get("baselines") or {},
          searched=bool(facts.get("search")),
        ),
        _cost(facts),
        _origin(facts),
      )
      if part
    )
    + "\n"
  )


def _title(
  names: Sequence[str],
  served: answering.Served,
  architectures: Sequence[Mapping],
  search: Mapping[str, Any],
) -> str:
  kind = "A network" if len(architectures) == 1 else f"{len(architectures)} networks as one"
  blocks = ", ".join(str(len(architecture["blocks"])) for architecture in architectures)
  return (
    f"# {served.title(names)}\n\n{kind} of {blocks} blocks "
    f"(assets/architecture.json){_CHOSEN_BY.get(search.get('algorithm'), '')}.\n\n"
    f"{served.names(names)}"
  )


def _pictures(files: Sequence[str]) -> str:
  """Returns the pictures of the networks, and how to read them."""
  if not files:
    return ""
  shown = "\n\n".join(f"![The network: blocks and connections]({name})" for name in files)
  return (
    f"{shown}\n\nA line is as wide as the learned weight of its connection ({', '.join(files)})."
  )


def _calls(names: Sequence[str], served: answering.Served, clip: frames_lib.ClipFormat) -> str:
  count = clip.num_frames
  rows = []
  for name, stream in clip.streams.items():
    height, width = stream_sizes.size(stream, clip.image_size)
    rows.append(
      f"| `streams` | `{name}` | float32 [batch, {count}, {height}, {width}, {stream.channels}] |"
      f" {stream_kinds.get(stream.kind).unit} |"
    )
  if clip.comes_from_frames:
    sides = "height, width"
    if served.returns_frames:
      sides = f"{clip.image_size}, {clip.image_size}"
    rows[:0] = [
      f"| `serving_default` | `frames` | uint8 [batch, {count}, {sides}, 3] | RGB |",
      f"| `encoded_frames` | `frames` | string [batch, {count}] | JPEG or PNG |",
    ]
  table = "\n".join(["| signature | input | shape | values |", "|---|---|---|---|", *rows])
  return (
    f"## How to call it\n\nA clip is {count} consecutive frames at {clip.fps:g} frames a second."
    f"\n\n{table}\n\n{served.returns(names)} {_sizes(served, clip)}"
  )


def _sizes(served: answering.Served, clip: frames_lib.ClipFormat) -> str:
  if served.returns_frames:
    return f"Frames that are sent have {clip.image_size} x {clip.image_size} pixels."
  if not clip.comes_from_frames:
    return "It takes its streams alone: plain frames are not enough to make them."
  return (
    f"Frames may have any size; they are shrunk to a short side of {clip.short_side} pixels, and "
    "optical flow, where the network reads it, is computed between them."
  )


def _data(info: metadata.DatasetInfo, clip: frames_lib.ClipFormat) -> str:
  splits = "\n".join(f"| {name} | {s.clips} | {s.frames} |" for name, s in info.splits.items())
  origins = (stream_tensors.get(one.kind).origin(one) for one in clip.streams.values())
  source = "".join(f" {origin}" for origin in dict.fromkeys(origins) if origin)
  return (
    f"## Data\n\nDataset {info.fingerprint[:16]}, {info.fps:g} frames a second, short side "
    f"{info.short_side} pixels.{source}\n\n| split | clips | frames |\n|---|---|---|\n{splits}"
  )


def _metrics(
  metrics: Mapping[str, Mapping[str, float]],
  baselines: Mapping[str, Mapping[str, Any]] = types.MappingProxyType({}),
  *,
  searched: bool,
) -> str:
  if not metrics:
    return ""
  names = list(dict.fromkeys(name for values in metrics.values() for name in values))
  rows = "\n".join(
    f"| {split} | " + " | ".join(_number(values.get(name)) for name in names) + " |"
    for split, values in metrics.items()
  )
  chosen = "Validation clips chose the network; test clips did not.\n\n" if searched else ""
  table = f"| split | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n{rows}"
  return f"## Metrics\n\n{chosen}{table}{_beside(metrics, baselines)}"


def _beside(
  metrics: Mapping[str, Mapping[str, float]], baselines: Mapping[str, Mapping[str, Any]]
) -> str:
  """Returns what is said of the accuracy on every split that has one."""
  told = (
    (split, baseline.of(metrics.get(split) or {}))
    for split, baseline in baselines_lib.from_json(baselines).items()
  )
  return "".join(f"\n\nOn the {split} clips: {text}." for split, text in told if text)


def _number(value: float | None) -> str:
  return "-" if value is None or math.isnan(value) else f"{value:.4f}"


def _cost(facts: Mapping[str, Any]) -> str:
  if "params" not in facts:
    return ""
  return (
    f"## Cost\n\n{facts['params']:,} parameters, {facts['multiply_adds']:,} multiplications and "
    "additions a clip, without optical flow."
  )


def _origin(facts: Mapping[str, Any]) -> str:
  parts = []
  if facts.get("candidates"):
    numbers = ", ".join(f"{number:06d}" for number in facts["candidates"])
    parts.append(f"Candidates of the search: {numbers}.")
  for name in ("training", "search"):
    if facts.get(name):
      rows = "\n".join(f"| {key} | {value} |" for key, value in facts[name].items())
      parts.append(f"| {name} | |\n|---|---|\n{rows}")
  return "\n\n".join(["## Where it comes from", *parts]) if parts else ""
