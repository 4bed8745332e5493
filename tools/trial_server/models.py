"""A model whose versions are followed: a new one is loaded, and the old one answers until then.

A version is a folder whose name is a number; the largest number is served. The states are those of
TensorFlow Serving: LOADING, then AVAILABLE, then END. One that cannot be loaded is in the state END
with its error, and is tried again when its files have changed (a copy may have been incomplete).
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import os
import threading
import time

import numpy as np

from data_prep.common import cli
from official.serving import saved_model
from tools.trial_server import refusals
from tools.trial_server.refusals import Refusal
from tools.trial_server.refusals import invalid

DEFAULT_SIGNATURE = "serving_default"
_NAMES = {"object": "string", "float32": "float", "float64": "double"}


@dataclasses.dataclass(frozen=True)
class State:
  """The state of one version: a name of TensorFlow Serving's, and an error or nothing."""

  name: str
  error: str = ""


class Loaded:
  """One version, loaded and warmed up.

  Attributes:
    number: The version.
    described: Its files.
  """

  def __init__(self, path: str):
    """Loads it; raises UserError if it is damaged."""
    saved_model.quieten()
    import tensorflow as tf

    self.number = int(os.path.basename(path))
    self.described = saved_model.Version(path)
    self._signatures = self.described.signatures
    try:
      self._loaded = tf.saved_model.load(path)
    except (OSError, ValueError, LookupError, RuntimeError, tf.errors.OpError) as error:
      raise cli.UserError(f"{path} cannot be loaded ({cli.one_line(str(error))})") from error
    self._warm_up()

  def dtypes(self, signature: str) -> dict[str, np.dtype]:
    """Returns the types of a signature's inputs, for a request by REST; raises Refusal."""
    import tensorflow as tf

    name = signature or DEFAULT_SIGNATURE
    if name not in self._signatures:
      raise invalid(f'Serving signature name: "{name}" not found in signature def')
    inputs = self._signatures[name].inputs
    return {key: np.dtype(tf.as_dtype(inputs[key].dtype).as_numpy_dtype) for key in sorted(inputs)}

  def predict(
    self, signature: str, inputs: Mapping[str, np.ndarray], wanted: Sequence[str] = ()
  ) -> dict[str, np.ndarray]:
    """Returns the outputs of a signature.

    Args:
      signature: Its name; empty for the default.
      inputs: Arrays; bytes in arrays of dtype object.
      wanted: Names of the outputs; none for all.

    Raises:
      Refusal: There is no such signature, or the inputs do not fit.
    """
    import tensorflow as tf

    name = signature or DEFAULT_SIGNATURE
    if name not in self._signatures:
      raise Refusal("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    function = self._loaded.signatures[name]
    specs = function.structured_input_signature[1]
    _check_names(inputs, specs)
    for position, key in enumerate(sorted(specs)):
      expected, got = specs[key].dtype.as_numpy_dtype, inputs[key].dtype
      if np.dtype(expected) != got:
        raise invalid(
          f"Expects arg[{position}] to be {_type(np.dtype(expected))} but {_type(got)} is provided"
        )
    outputs = self._signatures[name].outputs
    for one in wanted:
      if one not in outputs:
        raise invalid(
          f"output tensor alias not found in signature: {one} Outputs expected to be in the set "
          f"{{{','.join(sorted(outputs))}}}."
        )
    try:
      found = function(**{key: tf.constant(inputs[key], specs[key].dtype) for key in specs})
      return {key: found[key].numpy() for key in wanted or found}
    except (tf.errors.OpError, ValueError, TypeError) as error:
      raise (
        refusals.of(error) if isinstance(error, tf.errors.OpError) else invalid(str(error))
      ) from error

  def _warm_up(self) -> None:
    """Replays the version's requests to warm up with; the first call of a signature is slow."""
    from official.serving import warm_up

    for signature, inputs in warm_up.read(self.described.path):
      try:
        self.predict(signature, inputs)
      except Refusal as refusal:
        raise cli.UserError(
          f"{self.described.path} does not answer its own warm-up request: {refusal}"
        ) from refusal


class Model:
  """The versions in a folder.

  Attributes:
    name: The name under which it is served.
    base: The folder of the versions.
  """

  def __init__(
    self,
    name: str,
    base: str,
    *,
    labels: Mapping[str, int] | None = None,
    load: Callable[[str], Loaded] = Loaded,
    tell: Callable[[str], None] = lambda line: None,
  ):
    """Names it; `refresh` loads.

    Args:
      name: The name under which it is served.
      base: The folder of the versions.
      labels: Versions that have a label; they are served beside the newest.
      load: Loads the folder of a version.
      tell: Called with a line about each version that is loaded, or cannot be.
    """
    self.name, self.base = name, base
    self._labels = dict(labels or {})
    self._load, self._tell = load, tell
    self._lock = threading.Lock()
    self._available: dict[int, Loaded] = {}
    self._states: dict[int, State] = {}
    self._failed: dict[int, object] = {}  # what the files looked like

  def get(self, name: str, version: int | None = None, label: str | None = None) -> Loaded:
    """Returns the version that a request asks for; raises Refusal."""
    if label is not None:
      if name != self.name or label not in self._labels:
        raise invalid(f"Unrecognized servable version label: {label}")
      version = self._labels[label]
    with self._lock:
      if name == self.name and self._available:
        found = self._available.get(max(self._available) if version is None else version)
        if found:
          return found
    asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    raise Refusal("NOT_FOUND", f"Servable not found for request: {asked}")

  def states(
    self, name: str, version: int | None = None, label: str | None = None
  ) -> dict[int, State]:
    """Returns the states of all versions, or of one; raises Refusal."""
    if label is not None:
      version = self.get(name, label=label).number
    with self._lock:
      states = dict(sorted(self._states.items())) if name == self.name else {}
    if not states and version is None:
      raise Refusal("NOT_FOUND", f"Could not find any versions of model {name}")
    if version is None:
      return states
    if version not in states:
      raise Refusal("NOT_FOUND", f"Could not find version {version} of model {name}")
    return {version: states[version]}

  def refresh(self) -> None:
    """Looks into the folder, and loads what is new; then drops what is no longer wanted."""
    found = versions(self.base)
    wanted = {number for number in self._labels.values() if number in found}
    wanted |= set(found[-1:])
    for number in sorted(wanted, reverse=True):
      self._load_once(number)
    with self._lock:
      newest = max(self._available, default=None)
      for number in [n for n in self._available if n not in wanted and n != newest]:
        del self._available[number]
        self._states[number] = State("END")
        self._tell(f"version {number} is no longer served")

  def follow(self, stopped: threading.Event, seconds: float) -> None:
    """Refreshes until the event is set."""
    while not stopped.wait(seconds):
      self.refresh()

  def _load_once(self, number: int) -> None:
    path = os.path.join(self.base, str(number))
    with self._lock:
      if number in self._available:
        return
      looks = _looks(path)
      if self._failed.get(number) == looks:
        return
      self._states[number] = State("LOADING")
    self._tell(f"loading version {number} ...")
    begin = time.monotonic()
    try:
      loaded = self._load(path)
    except Exception as error:  # Whatever is wrong with a version, others go on answering.
      with self._lock:
        self._failed[number] = looks
        self._states[number] = State("END", cli.one_line(str(error)))
      self._tell(f"version {number} cannot be loaded: {cli.one_line(str(error))}")
      return
    with self._lock:
      self._available[number] = loaded
      self._states[number] = State("AVAILABLE")
      self._failed.pop(number, None)
    self._tell(f"version {number} is loaded after {time.monotonic() - begin:.1f} s")


def versions(base: str) -> list[int]:
  """Returns the numbers of the versions in a folder, in order; none if it is not there."""
  try:
    names = os.listdir(base)
  except OSError:
    return []
  return sorted(
    int(name)
    for name in names
    if name.isascii()
    and name.isdecimal()
    and str(int(name)) == name
    and os.path.isdir(os.path.join(base, name))
  )


def _check_names(inputs: Mapping[str, np.ndarray], specs: Mapping) -> None:
  """Raises Refusal unless a request has the inputs of a signature."""
  sent, needed = sorted(inputs), sorted(specs)
  if len(sent) != len(needed):
    extra, missing = sorted({*sent} - {*needed}), sorted({*needed} - {*sent})
    raise invalid(
      f"input size does not match signature: {len(sent)}!={len(needed)} len({{{','.join(sent)}}}) "
      f"!= len({{{','.join(needed)}}}). Sent extra: {{{','.join(extra)}}}. Missing but required: "
      f"{{{','.join(missing)}}}."
    )
  for key in sent:
    if key not in specs:
      raise invalid(
        f"input tensor alias not found in signature: {key}. Inputs expected to be in the set "
        f"{{{','.join(needed)}}}."
      )


def _type(dtype: np.dtype) -> str:
  return _NAMES.get(dtype.name, dtype.name)


def _looks(path: str) -> object:
  """Returns names, sizes and times of the files below a folder."""
  found = []
  for folder, _, names in os.walk(path):
    for name in names:
      try:
        status = os.stat(os.path.join(folder, name))
      except OSError:
        continue
      found.append((folder, name, status.st_size, status.st_mtime_ns))
  return sorted(found)
