"""Serves an export the way TensorFlow Serving does, without docker, to try it out.

    python -m tools.serve RUN/export
    python -m tools.serve_client --server=localhost:8500 --num_frames=8 --fps=10 VIDEO

It speaks TensorFlow Serving's REST and gRPC (Predict, metadata, model status), under the same ports
and names of flags, and http://localhost:8501/ is a page to drop a video on. Versions are followed:
a new one is loaded while the old one answers. Ctrl-C ends it.

Production is TensorFlow Serving, which reads the same folder (docs/serving.md): this server has no
batching, no encryption and no authentication. It listens on this machine only, unless --host says
otherwise.
"""

from collections.abc import Mapping, Sequence
import os
import re
import signal
import sys
import threading
import time

from absl import flags

from data_prep.common import cli
from official.serving import saved_model

FLAGS = flags.FLAGS

flags.DEFINE_integer(
  "port", 8500, "Port of gRPC; 0 takes one that is free.", lower_bound=0, upper_bound=65535
)
flags.DEFINE_integer(
  "rest_api_port", 8501, "Port of REST and of the page; 0 as above.", 0, upper_bound=65535
)
flags.DEFINE_string(
  "host", "127.0.0.1", "Address to listen on; 0.0.0.0 lets other machines ask, all of them."
)
flags.DEFINE_string("model_name", "video", "Name under which the model is served.")
flags.DEFINE_list(
  "version_labels", [], "Versions by label, such as stable=1,canary=2; served beside the newest."
)
flags.DEFINE_float(
  "file_system_poll_wait_seconds",
  1.0,
  "Seconds between two looks for new versions.",
  lower_bound=0.01,
)
flags.DEFINE_integer("max_request_mb", 32, "Megabytes of a request, by REST or gRPC.", 1, 2047)
flags.DEFINE_integer("max_video_mb", 512, "Megabytes of a video on the page.", 1, 1 << 20)

_MB = 1 << 20
_NAME = re.compile(r"[^/:\x00-\x20]+")


def main(arguments: Sequence[str]) -> int:
  base = _base(arguments)
  if not _NAME.fullmatch(FLAGS.model_name):
    raise cli.UserError(
      f"--model_name={FLAGS.model_name!r} cannot be part of a URL; use letters, digits and dashes"
    )
  labels = _labels(FLAGS.version_labels)
  from tools.trial_server import models

  if not models.versions(base):
    raise cli.UserError(_without_versions(base))
  stopped = threading.Event()
  signal.signal(signal.SIGTERM, lambda *_: stopped.set())
  model = models.Model(FLAGS.model_name, base, labels=labels, tell=_say)
  _say("starting TensorFlow ...")
  saved_model.quieten()
  from tools.trial_server import grpc_api
  from tools.trial_server import rest

  web = rest.Server(
    model,
    FLAGS.host,
    FLAGS.rest_api_port,
    largest=FLAGS.max_request_mb * _MB,
    largest_video=FLAGS.max_video_mb * _MB,
  )
  try:
    model.refresh()
    _check_loaded(model)
    server, web.grpc_port = grpc_api.serve(
      model, FLAGS.host, FLAGS.port, FLAGS.max_request_mb * _MB
    )
    threading.Thread(target=web.serve_forever, daemon=True).start()
    _greet(web.server_port, web.grpc_port)
    try:
      model.follow(stopped, FLAGS.file_system_poll_wait_seconds)
    finally:
      web.shutdown()
      server.stop(1).wait()
  except KeyboardInterrupt:
    pass
  finally:
    web.server_close()
  _say("stopped")
  return 0


def _base(arguments: Sequence[str]) -> str:
  if len(arguments) != 1:
    raise cli.UserError(
      "name one folder of versions, such as RUN/export; "
      + (f"{len(arguments)} are given" if arguments else "none is given")
    )
  return cli.resolve_path(arguments[0])


def _without_versions(base: str) -> str:
  """Returns why there is nothing to serve in a folder, and where there might be."""
  if not os.path.isdir(base):
    return f"there is no folder {base}; name the export of a run, such as RUN/export"
  if os.path.exists(os.path.join(base, "saved_model.pb")):
    return f"{base} is one version of an export; name the folder around it: {os.path.dirname(base)}"
  if os.path.isdir(os.path.join(base, "export")):
    return f"{base} holds no version; name its export: {os.path.join(base, 'export')}"
  return (
    f"{base} holds no version, which is a folder whose name is a number; python -m official.export "
    "writes one"
  )


def _labels(given: Sequence[str]) -> Mapping[str, int]:
  found = {}
  for one in given:
    name, _, version = one.partition("=")
    if not _NAME.fullmatch(name) or not version.isdecimal():
      raise cli.UserError(f"--version_labels={one} is no label; write LABEL=VERSION, as stable=1")
    found[name] = int(version)
  return found


def _check_loaded(model) -> None:
  states = model.states(model.name)
  if all(state.name != "AVAILABLE" for state in states.values()):
    raise cli.UserError(f"no version in {model.base} can be served; the lines above say why")


def _greet(rest_port: int, grpc_port: int) -> None:
  host = f"[{FLAGS.host}]" if ":" in FLAGS.host else FLAGS.host
  _say(
    f"gRPC on {host}:{grpc_port}, REST on http://{host}:{rest_port}/v1/models/{FLAGS.model_name}"
  )
  if FLAGS.host not in ("127.0.0.1", "::1", "localhost"):
    _say("whoever reaches this address may ask: there is no authentication")
  _say(f"drop a video on http://{host}:{rest_port}/; Ctrl-C ends")


def _say(line: str) -> None:
  print(f"{time.strftime('%H:%M:%S')} {cli.printable(line)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
  cli.run(main, positional=True)
