"""What the dataset of a recorded search says of its metrics, where it is still there."""

from data_prep.common import cli
from data_prep.dataset import metadata
from official.runs.records import Metrics
from official.runs.records import RunFlags
from official.tasks import baselines
from official.tasks import registry


def beside(recorded: RunFlags, metrics: Metrics, split: str = "validation") -> str | None:
  """Returns what is said of an accuracy among metrics: its clips, interval, chance.

  None where there is none, or the dataset has moved, is another one by now, or was judged by folds.
  """
  data_dir = recorded.operation.get("data_dir")
  if not isinstance(data_dir, str) or recorded.identity.get("folds"):
    return None
  try:
    info = metadata.load(data_dir)
    task = recorded.identity.get("task")
    spec = registry.get(task) if isinstance(task, str) else registry.of(info)
  except (cli.UserError, OSError):
    return None
  if info.fingerprint != recorded.identity.get("data_dir"):
    return None
  baseline = baselines.of_split(spec, info, split)
  return baseline.of(metrics) if baseline else None
