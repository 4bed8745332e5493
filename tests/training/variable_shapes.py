"""Names and shapes of a network's variables, told without TensorFlow.

inheritance_test.py holds them against those of real networks.
"""

from collections.abc import Iterator

import numpy as np

from official.architecture import kinds
from official.architecture import lineage
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block

STREAMS = {"rgb": 3, "flow": 2}
CLASSES = 5


def variables(architecture: Architecture, rng: np.random.Generator) -> dict[str, np.ndarray]:
  """Returns variables of random values, all different, with the names and shapes of a network."""
  shapes: dict[str, tuple[int, ...]] = {}
  for block in architecture.blocks:
    shapes.update(
      {f"block_{block.id}/{name}": shape for name, shape in block_shapes(architecture, block)}
    )
    if block.level:
      *smaller, largest = lineage.widths(architecture, block.id)
      for channels in smaller:
        shapes[f"combine_{block.id}/projection_of_{channels}/kernel"] = (1, 1, channels, largest)
  shapes["head/dense/kernel"] = (sum(lineage.widths(architecture, None)), CLASSES)
  shapes["head/dense/bias"] = (CLASSES,)
  return {
    name: rng.uniform(0.5, 1.5, shape).astype(np.float32) * rng.choice([-1, 1])
    for name, shape in shapes.items()
  }


def block_shapes(architecture: Architecture, block: Block) -> Iterator[tuple[str, tuple[int, ...]]]:
  """Yields names and shapes of the variables of a block."""
  c, d = block.channels, block.intermediate_channels
  if block.streams:
    layers = [("space", (7, 7), sum(STREAMS[name] for name in block.streams), c)]
    if block.kind == "stem_2plus1d":
      layers.append(("time", (5,), c, c))
  else:
    into = max(lineage.widths(architecture, block.id))
    out = c * kinds.get(block.kind).expansion
    layers = [("module_0/shortcut", (1, 1), into, out)]
    for index in range(block.modules):
      if block.kind == "basic_2plus1d":
        chain = [("space", (3, 3), into, c), ("time", (3,), c, c)]
      else:
        window = (3,) if index % 2 else (1, 1)
        chain = [("reduce", window, into, c), ("space", (3, 3), c, d), ("expand", (1, 1), d, out)]
      layers += [(f"module_{index}/{name}", *rest) for name, *rest in chain]
      into = out
  for name, window, channels, filters in layers:
    yield f"{name}/convolution/kernel", (*window, channels, filters)
    for norm in ("gamma", "beta", "moving_mean", "moving_variance"):
      yield f"{name}/norm/{norm}", (filters,)
