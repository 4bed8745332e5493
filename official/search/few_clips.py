"""Advice for a search that is judged by few clips; it changes nothing.

tools/benchmarks/selection_noise.py has what it rests on, docs/search.md what was found.
"""

from official.search.settings import SearchSettings

FEW = 100
_FITNESS, _CONFIRM = "margin", "5:2"


def advice(settings: SearchSettings, clips: int, has_margin: bool) -> str | None:
  """Returns a line on how to choose a winner by few clips; None where there is nothing to say.

  Args:
    settings: How to search.
    clips: Validation clips.
    has_margin: Whether the task has the fitness that is advised.
  """
  better = settings.fitness == _FITNESS or not has_margin
  flags = [
    *([] if better else [f"--fitness={_FITNESS}"]),
    *([] if settings.confirmation.trainings else [f"--confirm={_CONFIRM}"]),
  ]
  asked_otherwise = settings.fitness not in ("accuracy", _FITNESS) or settings.costs
  if clips > FEW or asked_otherwise or not flags:
    return None
  return (
    f"{clips} validation clips tell few networks apart; {' '.join(flags)} can be expected to "
    "choose a better one in as many trainings (docs/search.md, With few clips)"
  )
