"""The value of `--rungs`: the numbers of steps after which a candidate is judged.

    --rungs=R/9,R/3,R    with R = --candidate_steps = 200: judged after 22, 66 and 200 steps
    --rungs=50,150,R     the same in numbers

The last rung is always R: who finishes it is a finished candidate. Rungs are numbered from 0.
"""

import re

from data_prep.common import cli

_FRACTION = re.compile(r"R(?:/(\d+))?")
_EXAMPLE = "give R/9,R/3,R or 50,150,R, for example, where R is --candidate_steps"


def resolved(text: str, candidate_steps: int) -> str:
  """Returns the value with every fraction of R as a number of steps, rounded down.

      >>> resolved("R/9,R/3,R", 200)
      '22,66,200'

  Args:
    text: Value of the flag.
    candidate_steps: R.

  Raises:
    UserError: It is no such list, or its last rung is not R.
  """
  rungs = [_steps(part.strip(), candidate_steps, text) for part in text.split(",")]
  if rungs[-1] != candidate_steps:
    raise cli.UserError(
      f"--rungs={text} ends after {rungs[-1]} steps, and --candidate_steps={candidate_steps}; "
      "let it end with R"
    )
  numbers = ",".join(map(str, rungs))
  steps(numbers)
  return numbers


def steps(numbers: str | None) -> tuple[int, ...]:
  """Returns the steps of every rung, given the numbers that `resolved` returns; () of None.

  Raises:
    UserError: They are no numbers, do not rise, or are fewer than two.
  """
  if numbers is None:
    return ()
  rungs = tuple(_steps(part.strip(), None, numbers) for part in numbers.split(","))
  if len(rungs) < 2:
    raise cli.UserError(
      f"--rungs={numbers} is a single rung, and promotion needs two or more; {_EXAMPLE}"
    )
  for lower, upper in zip((0, *rungs), rungs):
    if upper <= lower:
      raise cli.UserError(
        f"--rungs={numbers}: {upper} steps do not exceed {lower}; the steps of rungs must rise"
      )
  return rungs


def _steps(part: str, candidate_steps: int | None, text: str) -> int:
  """Returns the steps that one part of the value stands for; a fraction only if R is known."""
  if part.isdecimal():
    return int(part)
  fraction = _FRACTION.fullmatch(part)
  if candidate_steps is None or fraction is None or (fraction[1] and int(fraction[1]) == 0):
    raise cli.UserError(
      f"--rungs={text}: {part!r} is neither a number of steps nor R or a fraction such as R/3; "
      f"{_EXAMPLE}"
    )
  return candidate_steps // int(fraction[1] or 1)
