"""A real browser for tests: headless Chromium, told what to do by its DevTools protocol.

with browser.opened() as page:
  page.open("file:///tmp/report.html")
  assert page.value("document.title") == "Title"
  assert page.errors == [] and page.requests == ["file:///tmp/report.html"]
"""

from collections.abc import Iterator
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
from typing import Any
import urllib.request

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-extensions",
  "--remote-debugging-port=0",
)
_SECONDS = 60


def path() -> str:
  """Returns where Chromium is; skips the test where it is not."""
  found = next(filter(None, map(shutil.which, NAMES)), None)
  if not found:
    pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH (apt-get install chromium)")
  return found


class Page:
  """A tab.

  Attributes:
    errors: Errors that the page or the browser has told the console since it was opened.
    requests: Addresses that were asked for since then.
  """

  def __init__(self, connection: Any):
    self._connection = connection
    self._number = 0
    self.errors: list[str] = []
    self.requests: list[str] = []
    for domain in ("Page", "Runtime", "Log", "Network"):
      self.call(f"{domain}.enable")

  def call(self, method: str, **parameters: object) -> dict:
    """Returns what the browser answers; takes note of events until then."""
    self._number += 1
    self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
    while True:
      message = json.loads(self._connection.recv(timeout=_SECONDS))
      if message.get("id") == self._number:
        assert "error" not in message, message
        return message["result"]
      self._note(message)

  def open(self, address: str) -> None:
    """Opens an address, and waits until all of it is there."""
    self.errors, self.requests = [], []
    self.call("Page.navigate", url=address)
    until = time.monotonic() + _SECONDS
    while self.value("document.readyState + location.href") != f"complete{address}":
      assert time.monotonic() < until, f"{address} is not loaded"
      time.sleep(0.05)

  def value(self, expression: str) -> Any:
    """Returns the value of a JavaScript expression in the page."""
    answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")

  def resize(self, width: int) -> None:
    """Makes the window so many pixels wide."""
    self.call(
      "Emulation.setDeviceMetricsOverride",
      width=width,
      height=900,
      deviceScaleFactor=1,
      mobile=False,
    )

  def dark(self, *, dark: bool) -> None:
    """Lets the system prefer dark pages, or light ones."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    self.call("Emulation.setEmulatedMedia", features=[scheme])

  def _note(self, message: dict) -> None:
    method, told = message.get("method"), message.get("params", {})
    if method == "Network.requestWillBeSent":
      self.requests.append(told["request"]["url"])
    elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
      self.errors.append(told["entry"]["text"])
    elif method == "Runtime.exceptionThrown":
      self.errors.append(json.dumps(told["exceptionDetails"]))
    elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
      self.errors.append(json.dumps(told["args"]))


@contextlib.contextmanager
def opened() -> Iterator[Page]:
  """Starts a browser of its own, and yields a tab; skips the test where there is none."""
  client = pytest.importorskip("websockets.sync.client")
  program = path()
  with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    process = subprocess.Popen(
      [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )
    try:
      address = _address(pathlib.Path(profile) / "DevToolsActivePort", process)
      with client.connect(address, max_size=None, open_timeout=_SECONDS) as connection:
        yield Page(connection)
    finally:
      process.terminate()
      process.wait(timeout=_SECONDS)


def _address(port_file: pathlib.Path, process: subprocess.Popen) -> str:
  """Returns the address of the first tab's protocol, once the browser has told it."""
  until = time.monotonic() + _SECONDS
  while time.monotonic() < until:
    assert process.poll() is None, f"the browser ended with {process.returncode}"
    with contextlib.suppress(OSError, IndexError, StopIteration):
      port = port_file.read_text().splitlines()[0]
      with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
        tabs = json.load(answer)
      return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    time.sleep(0.1)
  raise AssertionError("the browser did not start")
