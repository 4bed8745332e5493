"""Stream kinds: the meaning of a stream's values, and the operations on them.

array   measurements with any number of channels, without loss: hyperspectral, lidar
depth   distances, one channel; 0 where there is none
flow    optical flow in pixels, two channels (x, y)
image   grey levels, 0 to 255: frames, heat
mask    classes of pixels, which a network is to find
kind    the contract that each kind fulfils

A kind is a value. The module of its name registers it under the name that dataset.json gives for
every stream of it. Nothing else in data_prep or official asks which kind a stream is of. What
TensorFlow does with a stream is told by its counterpart of the same name
(official.inputs.stream_tensors): a new kind of stream is these two files.

A name with a dot, `my_streams.heat`, is your own kind: the module before the last dot is
imported when the name is first met, and registers it:

    stream_kinds.register(Heat(name="my_streams.heat", tensors="my_stream_tensors", ...))
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import typing

from data_prep.common import lookup

if typing.TYPE_CHECKING:
  from data_prep.dataset.stream_kinds.kind import StreamKind

_KINDS: dict[str, StreamKind] = {}


def register(kind: StreamKind) -> StreamKind:
  """Registers a kind under its name, which must be new."""
  return lookup.add(_KINDS, kind.name, kind, "stream kind")


def get(name: str) -> StreamKind:
  """Returns the kind of that name; ValueError lists the known ones."""
  if name not in _KINDS and name in _built_in():
    importlib.import_module(f"{__name__}.{name}")  # Not before: OpenCV comes with it.
  where = "where the dataset is read"
  return lookup.get(_KINDS, name, "stream kind", "kinds", needed=where, names=names())


def names() -> tuple[str, ...]:
  """Returns the names of all registered kinds, sorted."""
  return tuple(sorted(_built_in() | _KINDS.keys()))


@functools.cache
def _built_in() -> frozenset[str]:
  """Returns the names of the kinds that have a module here."""
  return frozenset(module.name for module in pkgutil.iter_modules(__path__)) - {"kind"}
