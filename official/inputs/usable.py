"""The checks that a dataset must pass before a training."""

from collections.abc import Collection, Iterable

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import metadata
from data_prep.dataset.streams import FRAMES
from official.inputs import flow_source


def check(info: metadata.DatasetInfo, data_dir: str, splits: Iterable[str]) -> None:
  """Raises UserError unless every split has clips."""
  for split in splits:
    if not info.splits[split].clips:
      failed = files.join(data_dir, metadata.FAILURES_NAME)
      reason = ""
      if info.failures:
        reason = f" ({failed} tells of {info.failures} that could not be used)"
      raise cli.UserError(
        f"{data_dir} has no usable {split} clips{reason}; give some rows of the manifest "
        f"split={split} and prepare it again"
      )


def check_streams(
  available: Collection[str],
  needed: Iterable[str],
  *,
  network: str = "the network",
  data: str = "the dataset",
) -> None:
  """Raises UserError unless a dataset has all streams that a network reads.

  Args:
    available, needed: Their names.
    network, data: What the message calls the two.
  """
  missing = sorted(set(needed) - set(available))
  if missing:
    remedy = "prepare a dataset that has it, or choose a network that reads what is there"
    if flow_source.could_give(missing, available):
      remedy = f"give `flow`={flow_source.IN_GRAPH}, which computes it from the frames"
    raise cli.UserError(
      f"{network} reads the stream {', '.join(missing)}, and {data} has "
      f"{', '.join(sorted(available))}; {remedy}"
    )


def check_frames_alone(needed: Iterable[str], *, network: str = "the network") -> None:
  """Raises UserError where a network that is to restore frames reads more than those.

  Args:
    needed: Names of the streams that it reads, but for those that are computed from what it sees.
    network: What the message calls it.
  """
  others = sorted({*needed} - {FRAMES})
  if others:
    remedy = f"choose one that reads {FRAMES} alone, such as of --search_space=restoration"
    if flow_source.could_give(others, (FRAMES,)):
      remedy += f", or give `flow`={flow_source.IN_GRAPH}, which computes it from the degraded ones"
    raise cli.UserError(
      f"{network} reads the stream {', '.join(others)}, which was computed from frames that "
      f"were not degraded and would give them away; {remedy}"
    )


def check_own_scale(image_size: int, short_side: int) -> None:
  """Raises UserError where squares at a dataset's own scale would be larger than its frames.

  Args:
    image_size: Pixels of a square.
    short_side: Pixels of the shorter side of the frames.
  """
  if image_size > short_side:
    raise cli.UserError(
      f"`image_size`={image_size} is more than the {short_side} pixels of the dataset's shorter "
      "side, and frames are restored at their own scale; give a smaller one"
    )
