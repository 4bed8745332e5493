"""Tells the faults of the environment from those of the program and of what it works on.

A full disk, a file system that cannot be written, a device that does not answer, a file that has
vanished: whatever runs there next meets the same. They come in several shapes. Python raises
`OSError` with a number; TensorFlow raises errors of its own, which hold the system's text; and an
exception of ours that passes through a `tf.data` pipeline or a `tf.numpy_function` comes out as
TensorFlow's `UnknownError`, with its type and text in the message. No TensorFlow is imported here:
its errors are known by their names.

Too little memory is none of these: another batch or network may fit.
"""

from collections.abc import Iterator
import errno
import os
import re

from data_prep.common import cli

_ROOM = "make room there"
_RIGHTS = "make it accessible for this user"
_PLACE = "move away what is in its place"
_MOUNT = "see to the disk or the network that it is on"
_LIMIT = "raise the limit (ulimit -n, ulimit -u)"
_REMEDIES = {
  errno.ENOSPC: _ROOM,
  errno.EDQUOT: _ROOM,
  errno.EFBIG: _ROOM,
  errno.EROFS: _RIGHTS,
  errno.EACCES: _RIGHTS,
  errno.EPERM: _RIGHTS,
  errno.ENOTDIR: _PLACE,
  errno.EISDIR: _PLACE,
  errno.EEXIST: _PLACE,
  errno.EMFILE: _LIMIT,
  errno.ENFILE: _LIMIT,
  errno.EAGAIN: _LIMIT,
  errno.ENOENT: "restore it",
  errno.ESTALE: _MOUNT,
  errno.EIO: _MOUNT,
  errno.ENXIO: _MOUNT,
  errno.ENODEV: _MOUNT,
  errno.ENOTCONN: _MOUNT,
  errno.EREMOTEIO: _MOUNT,
  errno.EHOSTDOWN: _MOUNT,
  errno.EHOSTUNREACH: _MOUNT,
  errno.ENETUNREACH: _MOUNT,
  errno.ECONNREFUSED: _MOUNT,
  errno.ECONNRESET: _MOUNT,
  errno.ETIMEDOUT: _MOUNT,
  errno.EUCLEAN: _MOUNT,
}
_TEXTS = {os.strerror(number).lower(): remedy for number, remedy in _REMEDIES.items()}
_TEXTS["can't start new thread"] = _LIMIT
_DEVICE = "see that the accelerator is there and answers (nvidia-smi), or train without it"
_DEVICE_TEXTS = (
  "cuda_error_no_device",
  "cuda_error_device_unavailable",
  "cuda_error_system",
  "cuda_error_ecc",
  "cuda_error_not_initialized",
  "cuda_error_not_permitted",
  "cuda_error_unknown",
  "no cuda-capable device",
  "cuda driver version is insufficient",
  "gpu is lost",
  "fallen off the bus",
  "no tpu",
  "tpu is not",
  "tpu system",
  "tpu driver",
)
# TensorFlow's errors that say that a device or a machine does not answer, whatever their text.
_SILENT = ("UnavailableError", "DeadlineExceededError")
_MEMORY_TEXTS = (
  "cannot allocate memory",
  "cuda_error_out_of_memory",
  "status_alloc_failed",
  "out of memory",
)
# An exception that passed through TensorFlow: "{{node x}} UserError: its text\nTraceback ...".
_PASSED = re.compile(
  r"(?:^|[\s}.])(?P<type>(?:User|OS|IO|FileNotFound|FileExists|Permission|IsADirectory|"
  r"NotADirectory|BlockingIO|Connection\w*|Timeout|Memory)Error): ?(?P<text>.*)"
)

# What TensorFlow says of the place of an error in a graph.
_PLACE_IN_GRAPH = re.compile(r"\{\{[^}]*\}\}|\[Op:.*|\[\[.*?\]\]")


def describe(error: BaseException) -> str | None:
  """Returns one line that names a fault of the environment and its remedy, None for other errors.

  A `UserError` is such a fault, and its text the line. Causes are looked at, too.
  """
  chain = list(_chain(error))
  for one in chain:
    if isinstance(one, cli.UserError):
      return _line(one)
  if out_of_memory(error):
    return None
  return next((found for one in chain if (found := _described(one))), None)


def out_of_memory(error: BaseException) -> bool:
  """Returns whether the memory of the machine, or of an accelerator, was too small.

  TensorFlow's `ResourceExhaustedError` is what it raises then, and for a full disk, too.
  """
  if isinstance(error, MemoryError):
    return True
  if isinstance(error, OSError):
    return error.errno == errno.ENOMEM
  name, text = type(error).__name__, _line(error).lower()
  if name == "ResourceExhaustedError":
    return not any(known in text for known in _TEXTS)
  passed = _PASSED.search(_text(error)) if _is_tensorflows(error) else None
  if passed is not None:
    return passed["type"] == "MemoryError"
  return _is_tensorflows(error) and any(known in text for known in _MEMORY_TEXTS)


def _described(error: BaseException) -> str | None:
  """Returns the line for one exception, its causes aside."""
  text = _line(error)
  if isinstance(error, BrokenPipeError | InterruptedError):
    return None
  if isinstance(error, OSError):
    if error.errno is None and "; " in text:
      return text  # One of ours, which says what to do.
    remedy = _REMEDIES.get(error.errno) or _remedy(text) or _MOUNT
    return f"{_of_file(error)}; {remedy}"
  if isinstance(error, ImportError):
    return f"{text}; install the environment again (docs/development.md)"
  if not _is_tensorflows(error):
    return f"{text}; {_LIMIT}" if "can't start new thread" in text.lower() else None
  passed = _PASSED.search(_text(error))
  if passed is not None:
    told = " ".join(passed["text"].split())
    return told if passed["type"] == "UserError" else f"{told}; {_remedy(told) or _MOUNT}"
  if type(error).__name__ in _SILENT or any(known in text.lower() for known in _DEVICE_TEXTS):
    return f"{_first_line(error)}; {_DEVICE}"
  remedy = _remedy(text)
  return f"{_first_line(error)}; {remedy}" if remedy else None


def _remedy(text: str) -> str | None:
  return next((remedy for known, remedy in _TEXTS.items() if known in text.lower()), None)


def _of_file(error: OSError) -> str:
  """Returns what happened, the name of the file first."""
  told = error.strerror or _line(error) or type(error).__name__
  names = [str(name) for name in (error.filename, error.filename2) if name is not None]
  return ": ".join([" -> ".join(names), told] if names else [told])


def _is_tensorflows(error: BaseException) -> bool:
  """Returns whether an exception is one of tf.errors."""
  return any(base.__name__ == "OpError" for base in type(error).__mro__)


def _chain(error: BaseException) -> Iterator[BaseException]:
  """Yields an exception and what it was raised from."""
  seen: set[int] = set()
  one: BaseException | None = error
  while one is not None and id(one) not in seen:
    seen.add(id(one))
    yield one
    one = one.__cause__


def _text(error: BaseException) -> str:
  try:
    return str(getattr(error, "message", None) or error)
  except Exception:  # An exception's text may itself raise.
    return ""


def _line(error: BaseException) -> str:
  return cli.one_line(_text(error))


def _first_line(error: BaseException) -> str:
  """Returns the line of TensorFlow's text that says what happened, without where in the graph."""
  lines = [line for line in _text(error).splitlines() if line.strip()]
  telling = (
    line for line in lines if _remedy(line) or any(known in line.lower() for known in _DEVICE_TEXTS)
  )
  line = next(telling, lines[0] if lines else type(error).__name__)
  return " ".join(_PLACE_IN_GRAPH.sub("", line).split())[:300]
