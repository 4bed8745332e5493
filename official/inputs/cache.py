"""Where decoded videos of a dataset are kept (official.inputs.clip_store)."""

import os


def directory(data_dir: str, fallback: str) -> str:
  """Returns `cache/` beside the data, for all searches; below `fallback` if that is no place."""
  writable = "://" not in data_dir and os.access(data_dir, os.W_OK)
  return os.path.join(data_dir if writable else fallback, "cache")
