"""Feasible architectures: deep enough, within the budgets of their space, and new.

Random generation and mutation draw until an architecture is feasible, before any training; a redraw
is no failure. After `PATIENCE` draws that were too shallow they construct the depth. Budgets count
the whole network, so they need to know the clip it is built for.
"""

import collections
from collections.abc import Callable
from typing import TypeVar

from official.architecture import cost
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.space import SearchSpace

MAX_ATTEMPTS = 1000
PATIENCE = 16
KNOWN = "known already"

_Drawn = TypeVar("_Drawn")


class NothingFeasible(ArchitectureError):
  """No draw of many fitted the search space; the text counts the reasons."""


def objection(
  space: SearchSpace, architecture: Architecture, clip: cost.Clip | None
) -> tuple[str, str] | None:
  """Returns the bound of the space that an architecture breaks and by what, or None if none.

  Args:
    space: The bounds.
    architecture: A valid architecture.
    clip: What the network is built for; needed if the space bounds parameters or FLOPs.
  """
  if architecture.depth < space.min_depth:
    return "min_depth", f"depth {architecture.depth}, min_depth is {space.min_depth}"
  stride = max(architecture.stride(block.id) for block in architecture.blocks)
  if space.max_stride is not None and stride > space.max_stride:
    return "max_stride", f"spatial stride {stride}, max_stride is {space.max_stride}"
  if space.max_params is None and space.min_params is None and space.max_flops is None:
    return None
  if clip is None:
    raise ValueError(
      f"search space {space.name!r} bounds parameters or FLOPs: "
      "pass the clip that networks are built for"
    )
  params = cost.parameters(architecture, clip.streams, clip.num_classes, clip.dense)
  if space.max_params is not None and params > space.max_params:
    return "max_params", f"{params} parameters, max_params is {space.max_params}"
  if space.min_params is not None and params < space.min_params:
    return "min_params", f"{params} parameters, min_params is {space.min_params}"
  flops = cost.flops(architecture, clip)
  if space.max_flops is not None and flops > space.max_flops:
    return "max_flops", f"{flops} FLOPs a clip, max_flops is {space.max_flops}"
  return None


def first_feasible(
  draw: Callable[[int], tuple[Architecture, _Drawn]],
  space: SearchSpace,
  clip: cost.Clip | None,
  is_new: Callable[[Architecture], bool] | None = None,
) -> tuple[Architecture, _Drawn, int]:
  """Draws until an architecture is feasible.

  Args:
    draw: Given the number of draws that were too shallow so far, returns an architecture and
      whatever else the caller keeps of the draw.
    space: The bounds.
    clip: What the network is built for; needed if the space bounds parameters or FLOPs.
    is_new: Whether an architecture may be taken that keeps the bounds; all may if None.

  Returns:
    What the last draw returned, and the number of draws.

  Raises:
    NothingFeasible: after `MAX_ATTEMPTS` draws.
  """
  broken: collections.Counter[str] = collections.Counter()
  for attempt in range(1, MAX_ATTEMPTS + 1):
    architecture, drawn = draw(broken["min_depth"])
    found = objection(space, architecture, clip)
    if found is None and is_new is not None and not is_new(architecture):
      found = KNOWN, "an architecture that is known already"
    if found is None:
      return architecture, drawn, attempt
    bound, text = found
    broken[bound] += 1
  reasons = ", ".join(
    f"{count} by {bound}" if bound != KNOWN else f"{count} as {KNOWN}"
    for bound, count in sorted(broken.items())
  )
  raise NothingFeasible(
    f"none of {MAX_ATTEMPTS} draws fits search space {space.name!r}: ruled out "
    f"{reasons}; the last had {text}"
  )
