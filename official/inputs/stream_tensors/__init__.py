"""The TensorFlow side of each stream kind: the counterparts of data_prep's stream kinds.

array    measurements: to (value - mean) / spread of each channel
depth    distances: the same, and 0 where there is none
flow     optical flow: from stored levels to pixels; from frames, where a network is served
image    grey levels: to -1 to 1; from frames, where a network is served
mask     nothing: masks are targets
tensors  the contract that each counterpart fulfils

A counterpart has the name of its kind (data_prep.dataset.stream_kinds). That of a kind of one's own
is registered by the module that the kind names as its `tensors`.
"""

from __future__ import annotations

from collections.abc import Mapping
import functools
import importlib
import pkgutil
import typing

from data_prep.dataset import stream_kinds

if typing.TYPE_CHECKING:
  from official.inputs.stream_tensors.tensors import StreamTensors

_TENSORS: dict[str, StreamTensors] = {}


def register(tensors: StreamTensors) -> StreamTensors:
  """Registers the counterpart of a kind; its name and its `beside_name` must be new."""
  if tensors.name in _TENSORS:
    raise ValueError(f"there are already tensors of the stream kind {tensors.name!r}")
  if tensors.beside_name and tensors.beside_name in _with_beside():
    raise ValueError(f"{tensors.beside_name!r} is beside streams of another kind already")
  _TENSORS[tensors.name] = tensors
  return tensors


def get(kind: str) -> StreamTensors:
  """Returns the counterpart of a kind; ValueError where the kind is unknown or has none."""
  if kind not in _TENSORS:
    module = f"{__name__}.{kind}" if kind in _built_in() else stream_kinds.get(kind).tensors
    if module:
      importlib.import_module(module)
  if kind not in _TENSORS:
    raise ValueError(
      f"the stream kind {kind!r} has no tensors; name a module that registers them in its `tensors`"
    )
  return _TENSORS[kind]


def with_beside() -> Mapping[str, StreamTensors]:
  """Returns, by what batches have beside a stream, the counterparts that put it there."""
  for kind in _built_in():
    get(kind)
  return _with_beside()


@functools.cache
def _built_in() -> frozenset[str]:
  """Returns the names of the kinds whose counterparts have a module here."""
  return frozenset(module.name for module in pkgutil.iter_modules(__path__)) - {"tensors"}


def _with_beside() -> dict[str, StreamTensors]:
  return {one.beside_name: one for one in _TENSORS.values() if one.beside_name}
