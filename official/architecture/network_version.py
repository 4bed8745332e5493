"""The version number of what networks compute.

As long as it stays, equal architectures with equal weights compute the same. Runs, trainings and
checkpoints record it, for their weights mean nothing to networks of another version; where nothing
is recorded it was 1. Architectures themselves have no version: any may be trained again.

    1   strided convolutions are padded as TensorFlow's "SAME" has it
    2   every window is centred, as in the published networks (layers/base.py): other values at even
        sides
"""

from data_prep.common import cli

CURRENT = 2
UNRECORDED = 1


def check(recorded: object, what: str, remedy: str) -> None:
  """Raises UserError unless weights have this program's version.

  Args:
    recorded: The version that was recorded with them; None if none was.
    what: Names the weights: a run directory, a checkpoint.
    remedy: What to do instead, as the end of a sentence.
  """
  version = UNRECORDED if recorded is None else recorded
  if version != CURRENT:
    raise cli.UserError(
      f"{what} has weights of network version {version}, and this program computes version "
      f"{CURRENT}, in which they mean something else; {remedy}"
    )
