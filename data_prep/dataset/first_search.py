"""The search to begin with, for a dataset."""

from data_prep.common import next_command
from data_prep.dataset import mask_files
from data_prep.dataset import metadata


def command(directory: str, info: metadata.DatasetInfo) -> str:
  """Returns the command line of a search that the dataset allows."""
  flags = {"search_space": "small"}
  if not info.classes and mask_files.COLUMN in info.streams:
    flags = {"search_space": "segmentation"}
  elif not info.classes:
    flags = {"search_space": "restoration", "degrade": "bicubic:2"}
  return next_command.command(
    "python -m official.evolve", data_dir=directory, model_dir="run", **flags
  )
