"""A video that was dropped on the page, window by window.

It is decoded in a process of its own, because decoders are C code and the file may be anything: a
crash ends that process, and so does a minute without a window. The frames come to this process as
JPEG, and the network answers about each window as soon as it has been read.
"""

import base64
from collections.abc import Iterator
import json
import multiprocessing
from multiprocessing import connection as connection_lib
import signal

import numpy as np

from tools.trial_server import models
from tools.trial_server import refusals

SIGNATURE = "encoded_frames"
MOST_WINDOWS = 600
_SECONDS = 60
_QUALITY = 95
_STRIP_HEIGHT, _STRIP_QUALITY = 96, 80


def answers(loaded: models.Loaded, path: str) -> Iterator[dict]:
  """Yields what the network says of each window, and last that all is said, or what is wrong.

    {"start": s, "end": s, "padded": frames, "classes": [...], "scores": [...], "picture": JPEG}
    {"again": true}                          what was said so far is void: the clock was wrong
    {"done": windows, "more": bool}  or  {"error": text}

  Args:
    loaded: The network.
    path: The video.
  """
  wrong = unfit(loaded)
  if wrong:
    yield {"error": wrong}
    return
  clip, said = loaded.described.clip, 0
  for part in _parts(path, clip["fps"], clip["num_frames"]):
    if "frames" not in part:
      yield part
      said = 0 if part.get("again") else said
      continue
    frames = np.empty((1, len(part["frames"])), object)
    frames[0] = [base64.b64decode(frame) for frame in part.pop("frames")]
    try:
      outputs = loaded.predict(SIGNATURE, {"frames": frames})
    except refusals.Refusal as refusal:
      yield {"error": str(refusal)}
      return
    classes = [name.decode(errors="replace") for name in outputs["classes"][0]]
    yield {**part, "classes": classes, "scores": [float(str(s)) for s in outputs["scores"][0]]}


def unfit(loaded: models.Loaded) -> str:
  """Returns why the page cannot ask a network; nothing if it can."""
  found = loaded.described.signatures.get(SIGNATURE)
  if found is None:
    return "this network reads streams that plain frames do not give; ask its signature streams"
  if not {"classes", "scores"} <= set(found.outputs):
    return "this network does not answer with classes; python -m official.predict writes its answer"
  return ""


def _parts(path: str, fps: float, size: int) -> Iterator[dict]:
  """Yields what the process says that reads the video; ends it if this is closed."""
  context = multiprocessing.get_context("spawn")
  ours, theirs = context.Pipe(duplex=False)
  process = context.Process(target=_read, args=(theirs, path, fps, size, MOST_WINDOWS), daemon=True)
  process.start()
  theirs.close()
  try:
    while True:
      if not ours.poll(_SECONDS):
        yield {"error": f"nothing could be read for {_SECONDS} s; the video was given up"}
        return
      try:
        part = json.loads(ours.recv_bytes())
      except EOFError:
        process.join(_SECONDS)
        yield {"error": f"the process that decoded the video died ({_death(process.exitcode)})"}
        return
      yield part
      if "done" in part or "error" in part:
        return
  finally:
    ours.close()
    process.kill()
    process.join()


def _death(exitcode: int | None) -> str:
  if exitcode and exitcode < 0:
    return signal.Signals(-exitcode).name
  return f"status {exitcode}"


class _Enough(Exception):
  """As many windows were read as may be."""


def _read(
  connection: connection_lib.Connection, path: str, fps: float, size: int, most: int
) -> None:
  """Sends the windows of a video; runs in the process that may crash."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  from official.serving import prediction
  from official.serving import windows

  said = 0

  def send(window: windows.Window) -> None:
    nonlocal said
    if said == most:
      raise _Enough
    if said and not window.first:
      _say(connection, {"again": True})
      said = 0
    said += 1
    middle = window.frames[(window.end - window.first) // 2]
    _say(
      connection,
      {
        "start": window.begin + window.first / fps,
        "end": window.begin + window.end / fps,
        "padded": window.padded,
        "frames": [_jpeg(frame, _QUALITY) for frame in window.frames],
        "picture": _jpeg(_small(middle), _STRIP_QUALITY),
      },
    )

  try:
    windows.each(send, path, fps=fps, size=size)
    _say(connection, {"done": said, "more": False})
  except _Enough:
    _say(connection, {"done": said, "more": True})
  except BrokenPipeError:
    pass
  except Exception as error:
    _say(connection, {"error": prediction.reason(error)})


def _say(connection: connection_lib.Connection, part: dict) -> None:
  connection.send_bytes(json.dumps(part).encode())


def _small(frame: np.ndarray) -> np.ndarray:
  import cv2

  height, width = frame.shape[:2]
  size = (max(1, round(width * _STRIP_HEIGHT / height)), _STRIP_HEIGHT)
  return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def _jpeg(frame: np.ndarray, quality: int) -> str:
  import cv2

  encoded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
  return base64.b64encode(encoded.tobytes()).decode()
