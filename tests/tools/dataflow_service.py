"""A stand-in for Google Dataflow on loopback, whose worker runs what was uploaded.

It answers as projects.locations.jobs of the service does: it takes a job, tells its state and its
messages, and keeps what it was asked. The worker is a process of its own, which reads the pipeline
from where the job says that it was staged, and runs it with Beam's own runner, in no container.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

from tests import gcs_server

_ROOT = pathlib.Path(__file__).parents[2]
_JOBS = re.compile(r"/v1b3/projects/([\w-]+)/locations/([\w-]+)/jobs")
_JOB = re.compile(_JOBS.pattern + r"/([\w-]+)(/messages|/metrics)?")
_NOW = "2026-01-01T00:00:00.000Z"


class Service:
  """The service, beside a store that it gets its pipelines from.

  Attributes:
    jobs: The jobs that were asked for, as JSON.
    asked: What else was asked: "state", "messages" or "metrics".
    endpoint: Its address.
    refusal: Why every job fails; none does if this is empty.
  """

  def __init__(self, store: gcs_server.Store):
    """Answers what is asked at the store's address and is not the store's."""
    self.jobs: list[dict[str, Any]] = []
    self.asked: set[str] = set()
    self.refusal = ""
    self._store = store
    self.endpoint = store.url.replace("127.0.0.1", "localhost")  # Beam takes no other with a port.
    self._workers: dict[str, subprocess.Popen] = {}
    store.others = self._answer

  def close(self) -> None:
    """Ends workers that still run."""
    for worker in self._workers.values():
      worker.kill()
      worker.wait()

  def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
    if method == "POST" and _JOBS.fullmatch(path):
      return self._create(json.loads(body))
    found = _JOB.fullmatch(path)
    if method != "GET" or not found:
      return None
    self.asked.add((found[4] or "/state")[1:])
    if found[4] == "/messages":
      return {"jobMessages": self._messages(found[3])}
    if found[4] == "/metrics":
      return {"metrics": []}
    return self._described(found[3])

  def _create(self, job: dict[str, Any]) -> Any:
    self.jobs.append(job)
    name = f"job-{len(self.jobs)}"
    if not self.refusal:
      self._workers[name] = self._worker(job)
    return self._described(name) | {"currentState": "JOB_STATE_PENDING"}

  def _worker(self, job: dict[str, Any]) -> subprocess.Popen:
    options = job["environment"]["sdkPipelineOptions"]["options"]
    url = options["pipelineUrl"]
    return subprocess.Popen(
      [sys.executable, "-m", "tests.tools.dataflow_worker", url],
      cwd=_ROOT,
      env=os.environ | self._store.environment,
    )

  def _described(self, name: str) -> dict[str, Any]:
    job = self.jobs[int(name.removeprefix("job-")) - 1]
    kept = {key: job[key] for key in ("name", "type", "clientRequestId")}
    return kept | {"id": name, "currentState": self._state(name), "currentStateTime": _NOW}

  def _state(self, name: str) -> str:
    worker = self._workers.get(name)
    if worker is None:
      return "JOB_STATE_FAILED"
    status = worker.poll()
    if status is None:
      return "JOB_STATE_RUNNING"
    return "JOB_STATE_FAILED" if status else "JOB_STATE_DONE"

  def _messages(self, name: str) -> list[dict[str, str]]:
    if name in self._workers:
      return [_message("JOB_MESSAGE_BASIC", "Worker pool started.")]
    return [_message("JOB_MESSAGE_ERROR", self.refusal)]


def _message(importance: str, text: str) -> dict[str, str]:
  return {"id": text, "time": _NOW, "messageImportance": importance, "messageText": text}
