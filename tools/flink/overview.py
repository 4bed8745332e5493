"""What Flink's own interface (REST) says of a cluster."""

import json
from typing import Any
import urllib.error
import urllib.request

_SECONDS = 5.0
# Not by way of a proxy: clusters are on this network.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(page: str, path: str) -> Any:
  """Returns what the JobManager answers, or None if nobody answers."""
  try:
    with _OPENER.open(f"{page}{path}", timeout=_SECONDS) as answer:
      return json.load(answer)
  except (OSError, ValueError):
    return None


def task_managers(page: str) -> set[str] | None:
  """Returns the ids of the TaskManagers that have registered and told their slots, which they do a
  moment later; None without a JobManager."""
  found = ask(page, "/taskmanagers")
  if found is None:
    return None
  return {one["id"] for one in found.get("taskmanagers", ()) if one["slotsNumber"]}


def slots(page: str) -> int:
  """Returns how many subtasks a cluster runs at the same time."""
  return (ask(page, "/overview") or {}).get("slots-total", 1)


def line(page: str) -> str:
  """Returns the state of a cluster as one line."""
  found = ask(page, "/overview")
  if found is None:
    return f"no JobManager answers at {page}"
  return (
    f"{page}: {found['taskmanagers']} TaskManagers, {found['slots-available']} of "
    f"{found['slots-total']} slots free; jobs: {found['jobs-running']} running, "
    f"{found['jobs-finished']} finished, {found['jobs-failed']} failed"
  )
