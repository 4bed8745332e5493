"""The page at `/` of the trial server: drop a video, and see what the network says over time.

It has the look of all pages, and sends requests to this server only. page.html is its text, in
which `$name` stands for what this module fills in; page.js sends the video and draws the answer.
"""

import html as html_lib
import os
import string

from data_prep.common import page_style
from tools.trial_server import models
from tools.trial_server import refusals
from tools.trial_server import videos

HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  ),
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
}


def html(model: models.Model, address: tuple[str, int], grpc_port: int) -> str:
  """Returns the page.

  Args:
    model: What answers; it may have no version yet.
    address: Host and port of REST.
    grpc_port: The port of gRPC.
  """
  host = f"[{address[0]}]" if ":" in address[0] else address[0]
  try:
    loaded = model.get(model.name)
  except refusals.Refusal:
    facts, clip, wrong = "No version is loaded yet.", {}, "no version is loaded yet"
  else:
    clip, wrong = _clip(loaded), videos.unfit(loaded)
    facts = f"Version {loaded.number}."
    if clip:
      facts += (
        f" It answers with one of {len(loaded.described.labels)} classes about windows of "
        f"{clip['num_frames']} frames at {clip['fps']:g} frames per second."
      )
  values = {
    "model": model.name,
    "base": os.path.abspath(model.base),
    "rest": f"http://{host}:{address[1]}",
    "grpc": f"{host}:{grpc_port}",
    "frames": clip.get("num_frames", "T"),
    "fps": f"{clip['fps']:g}" if clip else "FPS",
    "facts": facts,
    "wrong": f"The page cannot ask this network: {wrong}." if wrong else "",
    "disabled": "disabled" if wrong else "",
    "most": videos.MOST_WINDOWS,
  }
  body = string.Template(_file("page.html"))
  return page_style.document(
    f"Try {model.name}",
    body.substitute({name: html_lib.escape(str(text)) for name, text in values.items()}),
    style=_file("page.css"),
    scripts=[_file("page.js")],
    connects=True,
  )


def _file(name: str) -> str:
  with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
    return file.read()


def _clip(loaded: models.Loaded) -> dict:
  """Returns what clip.json says; nothing of a SavedModel that is not an export of this package."""
  path = os.path.join(loaded.described.path, "assets", "clip.json")
  return loaded.described.clip if os.path.exists(path) else {}
