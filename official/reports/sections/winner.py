"""The winner: its network with learned weights, and what it changed of its parent."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_prep.common import cli
from official.architecture.architecture import Connection
from official.reports import descent
from official.reports import drawn_network
from official.reports import facts
from official.reports import network_picture
from official.reports import network_table
from official.reports import page
from official.reports.drawn_network import DrawnNetwork
from official.runs import final_training
from official.runs import json_files
from official.runs.final_records import FinalResult

_HOW_TO_READ = (
  "Data flow from left to right, level by level. A line is as wide as the learned weight of its "
  "connection, and has the colour of the stream that makes up two thirds of what it carries. The "
  "stripe of a box shows how much of each stream reaches the block. C are channels, r is the "
  "temporal dilation in frames, s the spatial stride, and ×2 the number of modules."
)


def section(run: facts.Run) -> page.Section | None:
  """Returns the section of the winner, or of the best candidate so far; None if there is none."""
  if not run.is_search:
    return _of_training(run)
  numbers = _winners(run)
  parts: list[page.Part] = []
  for place, number in enumerate(numbers):
    figures = list(_figures(run, number, _final_of(run, number, alone=len(numbers) == 1)))
    if place and figures:
      figures = [page.Details(f"Candidate {number:06d}", figures)]
    parts += figures
  if not parts:
    return None
  many = len(numbers) > 1
  title = "The winners" if many else "The winner" if run.final else "The best network so far"
  return page.Section("winner", title, [page.Text(_HOW_TO_READ), *parts])


def _winners(run: facts.Run) -> list[int]:
  """Returns the numbers of the candidates that were trained to the end, or of the best so far."""
  final = run.final
  members = [member.candidate for member in final.members or ()] if final else []
  if members:
    return members
  return [] if run.winner is None else [run.winner]


def _final_of(run: facts.Run, number: int, *, alone: bool) -> FinalResult | None:
  """Returns the result of a candidate's final training; each of several has its own."""
  if alone or run.final is None:
    return run.final
  try:
    return final_training.read_result(json_files.join(run.folder, "final", f"{number:06d}"))
  except (cli.UserError, OSError):
    return None


def _figures(run: facts.Run, number: int, final: FinalResult | None) -> Iterator[page.Part]:
  network = of_candidate(run, number)
  candidate = run.candidates.get(number)
  if network is None or candidate is None:
    return
  trained = network if final is None else _of_final(run, network, final)
  when = "in the search" if trained is network else "in the final training"
  yield figure(
    f"network-{number:06d}",
    f"Candidate {number:06d}, with the weights learned {when}",
    trained,
    _story(run, number),
  )
  yield from family(run, number)


def figure(
  name: str, title: str, network: DrawnNetwork, story: str = "", **drawn: Any
) -> page.Figure:
  """Returns a network as a figure with its table.

  Args:
    name, title: As of page.Figure.
    network: The network.
    story: What is said of it besides.
    drawn: For network_picture.draw.
  """
  return page.Figure(
    name,
    title,
    f"{story} {network_picture.description(network)}".strip(),
    network_picture.draw(network, **drawn),
    page.Table(
      f"{title}: blocks and what they read",
      network_table.header(network),
      network_table.rows(network),
      note=network_table.legend(network),
    ),
  )


def of_candidate(run: facts.Run, number: int) -> DrawnNetwork | None:
  """Returns a candidate as it is drawn, None where its record is damaged."""
  architecture = run.architecture(number)
  if architecture is None:
    return None
  identity = run.recorded.identity
  return drawn_network.of_result(architecture, run.results.get(number), identity=identity)


def _of_final(run: facts.Run, network: DrawnNetwork, final: FinalResult) -> DrawnNetwork:
  """Returns a network with the weights of a final training, where they are recorded."""
  others: Mapping[str, Any] = final.others
  weights = {
    Connection(each["source"], each["target"]): each["end"]
    for each in others.get("connection_weights") or ()
    if isinstance(each, Mapping) and {"source", "target", "end"} <= set(each)
  }
  if not weights:
    return network
  return drawn_network.make(
    network.architecture,
    weights,
    others.get("head_weights") or network.head_weights,
    identity=run.recorded.identity,
  )


def _of_training(run: facts.Run) -> page.Section | None:
  architecture = run.architecture(None)
  if architecture is None:
    return None
  network = drawn_network.make(architecture)
  if run.final is not None:
    network = _of_final(run, network, run.final)
  part = figure("network", "The network that was trained", network)
  return page.Section("winner", "The network", [page.Text(_HOW_TO_READ), part])


def _story(run: facts.Run, number: int) -> str:
  candidate = run.candidates[number]
  if candidate.parent is None:
    return f"It was {descent.sentence(candidate)}."
  return f"A child of candidate {candidate.parent:06d}: {descent.sentence(candidate)}."


def family(run: facts.Run, number: int) -> Iterator[page.Part]:
  """Yields the pictures of a child and its parent, one above the other, so that levels align."""
  candidate = run.candidates[number]
  parent = run.candidates.get(-1 if candidate.parent is None else candidate.parent)
  if parent is None:
    return
  before, after = of_candidate(run, parent.number), of_candidate(run, number)
  changes = descent.changes(candidate, parent.architecture)
  if before is None or after is None or changes is None:
    return
  yield page.Text(
    f"What changed from candidate {parent.number:06d} to its child {number:06d}: "
    f"{descent.sentence(candidate)}. A cross marks a connection that went, a dot one that is new; "
    "blocks that changed have a thick frame. The weights are those learned in the search."
  )
  yield figure(
    f"parent-{number:06d}",
    f"The parent, candidate {parent.number:06d}",
    before,
    marks=network_picture.Marks(changes.gone, changes.parent_blocks, "gone"),
  )
  yield figure(
    f"child-{number:06d}",
    f"The child, candidate {number:06d}",
    after,
    marks=network_picture.Marks(changes.new, changes.child_blocks, "new"),
  )
