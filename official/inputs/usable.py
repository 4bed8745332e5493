"""What a dataset must have before anything can be trained on it."""

from collections.abc import Iterable

from data_prep import cli
from data_prep import dataset


def check(info: dataset.DatasetInfo, data_dir: str, splits: Iterable[str]) -> None:
  """Raises UserError unless every split has clips, and every clip one label."""
  for split in splits:
    if not info.splits[split].clips:
      raise cli.UserError(
        f"{data_dir} has no usable {split} clips; give some rows of the manifest split={split} "
        "and prepare it again"
      )
  if info.multi_label:
    raise cli.UserError(
      f"{data_dir} has clips with several labels, and training wants one label a clip; "
      "keep one label a row in the manifest and prepare it again"
    )
