"""Describes one architecture: a table of its blocks, and a picture."""

import os

from data_prep.common import cli
from data_prep.common import files
from official.architecture import cost
from official.architecture.structure_list import WeightedArchitecture
from official.reports import drawn_network
from official.reports import network_picture
from official.reports import network_table
from official.reports.drawn_network import DrawnNetwork
from official.runs import json_files
from official.runs import record_files
from official.runs.records import Result
from official.runs.records import RunFlags

_CANDIDATE = "candidate.json"
_FORMATS = (".svg", ".png")


def check_output(output: str) -> None:
  """Raises UserError unless a picture can be written to a file of that name."""
  if not output.lower().endswith(_FORMATS):
    raise cli.UserError(
      f"--output={output}: a network is drawn to a file whose name ends in {' or '.join(_FORMATS)}"
    )


def known(weighted: WeightedArchitecture, source: str) -> DrawnNetwork:
  """Returns a network with the connection weights that are known of it.

  Args:
    weighted: What `source` names, and the weights that its training would start with.
    source: What --architecture is; beside a candidate.json lies what its training learned.
  """
  if os.path.basename(source) == _CANDIDATE:
    folder = os.path.dirname(cli.resolve_path(source))
    result = record_files.read(json_files.join(folder, "result.json"), Result)
    search = json_files.join(os.path.dirname(os.path.dirname(folder)), "search.json")
    flags = record_files.read(search, RunFlags)
    if result is not None:
      return drawn_network.of_result(
        weighted.architecture, result, identity=flags.identity if flags else None
      )
  return drawn_network.make(weighted.architecture, weighted.connection_weights)


def text(network: DrawnNetwork, clip: cost.Clip) -> str:
  """Returns a table of the blocks: what each computes, costs for a clip, and reads."""
  table = cost.describe(network.architecture, clip, network_table.reads_from(network))
  return "\n".join(filter(None, [table, network_table.legend(network)]))


def draw(network: DrawnNetwork, source: str, output: str) -> None:
  """Draws a network to a file, .svg or .png, which is written whole."""
  picture = network_picture.draw(network)
  if output.lower().endswith(".png"):
    content = picture.png()
  else:
    title = "A network" if source.startswith("{") else f"The network of {source}"
    content = picture.svg_file(title, network_picture.description(network)).encode()
  try:
    files.write_bytes(cli.resolve_path(output), content)
  except OSError as error:
    raise cli.UserError(f"--output={output} cannot be written: {error.strerror}") from error
