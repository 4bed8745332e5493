"""Those that rest at a rung below the last, for whoever looks at a search (promotion.py)."""

from collections.abc import Iterable
import dataclasses

from official.search.settings import SearchSettings
from official.search.state import SearchState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resting:
  """How many candidates rest at a rung below the last, after so many steps."""

  rung: int
  steps: int
  count: int


def read(settings: SearchSettings, state: SearchState) -> tuple[Resting, ...]:
  """Returns who rests at every rung below the last; nothing in a search without rungs."""
  return tuple(
    Resting(rung=rung, steps=steps, count=len(state.ladder.resting(rung)))
    for rung, steps in enumerate(settings.rung_steps[:-1])
  )


def text(resting: Iterable[Resting]) -> str:
  """Returns for people what follows the number of those that finished; nothing without rungs."""
  at = ", ".join(f"{each.count} at rung {each.rung} ({each.steps} steps)" for each in resting)
  return f"; stopped: {at}" if at else ""
