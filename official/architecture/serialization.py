"""Architectures as JSON.

    {"format_version": 1,
     "blocks": [{"id": "rgb_0", "level": 0, "kind": "stem_2plus1d", "streams": ["rgb"],
                 "channels": 16, "temporal_dilation": 2, "spatial_stride": 2},
                {"id": "level1_0", "level": 1, "kind": "interleaved_bottleneck",
                 "channels": 16, "modules": 3, "temporal_dilation": 1, "spatial_stride": 1,
                 "intermediate_channels": 64}, ...],
     "connections": [{"source": "rgb_0", "target": "level1_0"}, ...]}

`streams` is there for stems, `modules` for other blocks, `intermediate_channels` for the kinds that
need it. `to_json` is canonical: equal architectures give equal bytes under `json.dumps`.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

FORMAT_VERSION = 1

_REQUIRED = ("id", "level", "kind", "channels")
_FIELDS = tuple(field.name for field in dataclasses.fields(Block))


def to_json(architecture: Architecture) -> dict[str, Any]:
  """Returns plain data for `json.dumps`."""
  return {
    "format_version": FORMAT_VERSION,
    "blocks": [_block_to_json(block) for block in architecture.blocks],
    "connections": [connection_to_json(connection) for connection in architecture.connections],
  }


def from_json(data: Mapping[str, Any]) -> Architecture:
  """Returns the architecture that `to_json` wrote; ArchitectureError says what is wrong with it."""
  if not isinstance(data, Mapping):
    raise ArchitectureError(
      f"an architecture is an object with blocks and connections, not {data!r:.60}"
    )
  version = data.get("format_version")
  if version != FORMAT_VERSION:
    raise ArchitectureError(f"format_version is {version!r}; this program reads {FORMAT_VERSION}")
  _check_fields(
    "the architecture",
    data,
    ("format_version", "blocks", "connections"),
    required=("blocks", "connections"),
  )
  for field in ("blocks", "connections"):
    if not isinstance(data[field], list | tuple):
      raise ArchitectureError(f"{field} is {data[field]!r:.60}; it is a list")
  return Architecture(
    tuple(_block_from_json(index, block) for index, block in enumerate(data["blocks"])),
    tuple(connection_from_json(connection) for connection in data["connections"]),
  )


def connection_to_json(connection: Connection) -> dict[str, str]:
  """Returns `{"source": ..., "target": ...}`."""
  return {"source": connection.source, "target": connection.target}


def connection_from_json(data: Mapping[str, Any]) -> Connection:
  """Returns the connection of an object with `source` and `target`; other fields are ignored."""
  if not isinstance(data, Mapping):
    raise ArchitectureError(f"connection {data!r:.60} is no object with source and target")
  for field in ("source", "target"):
    if not isinstance(data.get(field), str):
      raise ArchitectureError(f"connection {dict(data)!r:.100}: {field} is the id of a block")
  return Connection(data["source"], data["target"])


def _block_to_json(block: Block) -> dict[str, Any]:
  data = {"id": block.id, "level": block.level, "kind": block.kind}
  if block.level == 0:
    data["streams"] = list(block.streams)
  data["channels"] = block.channels
  if block.level > 0:
    data["modules"] = block.modules
  data["temporal_dilation"] = block.temporal_dilation
  data["spatial_stride"] = block.spatial_stride
  if block.intermediate_channels is not None:
    data["intermediate_channels"] = block.intermediate_channels
  return data


def _block_from_json(index: int, data: Any) -> Block:
  if not isinstance(data, Mapping):
    raise ArchitectureError(f"blocks[{index}] is {data!r:.60}; it is an object")
  where = f"block {data['id']!r}" if "id" in data else f"blocks[{index}]"
  _check_fields(where, data, _FIELDS, required=_REQUIRED)
  streams = data.get("streams", ())
  if not isinstance(streams, list | tuple):
    raise ArchitectureError(f"block {data['id']!r}: streams is {streams!r}; it is a list of names")
  return Block(**{**data, "streams": tuple(streams)})


def _check_fields(
  where: str, data: Mapping[str, Any], known: tuple[str, ...], required: tuple[str, ...]
) -> None:
  for field in data:
    if field not in known:
      raise ArchitectureError(
        f"{where} has an unknown field {field!r}; the fields are {', '.join(known)}"
      )
  for field in required:
    if field not in data:
      raise ArchitectureError(f"{where} has no field {field!r}")
