"""The checks that a dataset must pass before a training."""

from collections.abc import Collection, Iterable

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import metadata
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
