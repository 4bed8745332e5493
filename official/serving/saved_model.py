"""Reads an exported version, and runs it as a server would.

`Version` reads saved_model.pb; `run` makes calls through TensorFlow's C API in a fresh process that
never imports tensorflow (c_api.py).
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import hashlib
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from typing import Any
import warnings

import numpy as np

from data_prep.common import cli
from data_prep.common import shapes
from data_prep.dataset.streams import StreamInfo
from official.serving import c_api
from official.tasks import answering
from official.tasks import contract
from official.tasks import registry

TASK = "task.json"  # Among the assets; an export that is older has none.
_CLIP = {  # clip.json
  "num_frames": int,
  "image_size": int,
  "short_side": int,
  "fps": float,
  "streams": {str: {"kind": str, "channels": int}},
}
Call = tuple[str, Mapping[str, np.ndarray]]


class RunError(Exception):
  """The SavedModel cannot be loaded."""


@dataclasses.dataclass(frozen=True)
class Version:
  """One version of an export.

  Attributes:
    path: Its folder, absolute.
    task: The task of its network, where this process need not know it; default: that of task.json.
  """

  path: str
  task: contract.Spec | None = None

  def __post_init__(self):
    if not os.path.exists(os.path.join(self.path, "saved_model.pb")):
      raise cli.UserError(
        f"{self.path} holds no saved_model.pb; name one version of an export, such as M/export/1"
      )

  @functools.cached_property
  def graphs(self) -> Sequence:
    """The MetaGraphDefs of saved_model.pb; raises UserError if it is damaged."""
    quieten()
    from tensorflow.python.saved_model import loader_impl

    try:
      found = loader_impl.parse_saved_model(self.path).meta_graphs
      if not found:
        raise OSError("it has no graph")
      return found
    except OSError as error:
      raise cli.UserError(
        f"{self.path}/saved_model.pb is damaged ({error}); export the network again"
      ) from error

  @property
  def signatures(self) -> Mapping:
    """SignatureDefs by name, but for the one that initializes."""
    found = self.graphs[0].signature_def
    return {name: found[name] for name in sorted(found) if not name.startswith("__")}

  @functools.cached_property
  def spec(self) -> contract.Spec:
    """The task of the network: that of task.json, without which it is classification."""
    path = os.path.join(self.path, "assets", TASK)
    if self.task is not None or not os.path.exists(path):
      return self.task or registry.DEFAULT
    found = shapes.parse(self._asset(TASK), {"task": str}, path, "export the network again")
    return registry.get(found["task"])

  @functools.cached_property
  def degrade(self) -> str:
    """What the network was taught to restore; nothing for other tasks."""
    path = os.path.join(self.path, "assets", TASK)
    if not os.path.exists(path):
      return ""
    shape = {"task": str, "degrade?": str}
    return shapes.parse(self._asset(TASK), shape, path, "export the network again").get(
      "degrade", ""
    )

  @functools.cached_property
  def served(self) -> answering.Served:
    """How the task is served."""
    return self.spec.served()

  @functools.cached_property
  def labels(self) -> list[str]:
    """Content of labels.txt: the classes as far as that can be told without TensorFlow."""
    return self._asset("labels.txt").splitlines()

  @functools.cached_property
  def classes(self) -> list[str]:
    """Names of the classes in the order of the probabilities; UserError if they are not those."""
    names, averaged = self.labels, self.served.averaged
    if not self.served.has_rows:
      return names
    answers = {
      definition.outputs[averaged].tensor_shape.dim[-1].size
      for definition in self.signatures.values()
      if averaged in definition.outputs and definition.outputs[averaged].tensor_shape.dim
    }
    if answers - {len(names), -1}:
      raise cli.UserError(
        f"{self.path}/assets/labels.txt is damaged: it has {len(names)} classes, and the network "
        f"answers with {', '.join(map(str, sorted(answers)))}; export the network again"
      )
    return names

  @functools.cached_property
  def clip(self) -> dict[str, Any]:
    """Content of clip.json: num_frames, fps, image_size, short_side, streams."""
    path = os.path.join(self.path, "assets", "clip.json")
    return shapes.parse(self._asset("clip.json"), _CLIP, path, "export the network again")

  @functools.cached_property
  def digest(self) -> str:
    """The network's identity: 12 hexadecimal digits over the graph and the weights' checksums."""
    found = hashlib.sha256()
    for name in ("saved_model.pb", "variables/variables.index", "assets/clip.json"):
      try:
        with open(os.path.join(self.path, name), "rb") as file:
          found.update(file.read())
      except OSError as error:
        raise cli.UserError(
          f"{self.path}/{name} cannot be read ({error.strerror}); export the network again"
        ) from error
    return found.hexdigest()[:12]

  def check_assets(self) -> None:
    """Raises UserError where an asset is damaged, or missing beside the others of an export."""
    _ = self.classes
    if any(
      os.path.exists(os.path.join(self.path, "assets", name))
      for name in ("clip.json", "architecture.json")
    ):
      _ = self.clip

  @property
  def streams(self) -> dict[str, StreamInfo]:
    """The streams of clip.json, by name."""
    found = self.clip["streams"]
    return {name: StreamInfo(**stream) for name, stream in found.items()}

  def operations(self) -> Iterator[str]:
    """Yields the types of all operations, also of functions."""
    for graph in self.graphs:
      yield from (node.op for node in graph.graph_def.node)
      for function in graph.graph_def.library.function:
        yield from (node.op for node in function.node_def)

  def _asset(self, name: str) -> str:
    path = os.path.join(self.path, "assets", name)
    try:
      with open(path, encoding="utf-8") as file:
        return file.read()
    except (OSError, UnicodeDecodeError) as error:
      raise cli.UserError(
        f"{path} cannot be read ({getattr(error, 'strerror', error)}); export the network again"
      ) from error


def load_for_frames(version: Version) -> Any:
  """Returns a version, loaded by TensorFlow; a signature alone would not keep it.

  Raises:
    UserError: It is damaged, or cannot be asked about plain frames.
  """
  quieten()
  import tensorflow as tf

  try:
    loaded = tf.saved_model.load(version.path)
  except (OSError, ValueError, LookupError, RuntimeError, tf.errors.OpError) as error:
    raise cli.UserError(
      f"{version.path} cannot be loaded ({error}); export the network again"
    ) from error
  inputs = sorted(loaded.signatures["serving_default"].structured_input_signature[1])
  if inputs != ["frames"]:
    raise cli.UserError(
      f"{version.path} takes {', '.join(inputs)}, which plain frames do not give; ask its "
      "signature streams"
    )
  return loaded


def quieten() -> None:
  """Silences TensorFlow's log; to be called before it is imported."""
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  warnings.simplefilter("ignore", FutureWarning)


def run(
  version: Version, calls: Sequence[Call], repeat: int = 1, *, gpus: bool = True
) -> list[dict[str, Any]]:
  """Makes calls in a fresh process without Python's TensorFlow.

  Args:
    version: What is loaded.
    calls: Signature and inputs (float32, uint8, or bytes in arrays of dtype object).
    repeat: Times that each call is made.
    gpus: Whether they may run on GPUs.

  Returns:
    For every call `outputs`, arrays by name, and `seconds` of every repetition; or `error`.

  Raises:
    RunError: The SavedModel cannot be loaded.
  """
  outputs = [
    {name: info.name for name, info in version.signatures[signature].outputs.items()}
    for signature, _ in calls
  ]
  request = {
    "library": importlib.util.find_spec("tensorflow").submodule_search_locations[0],
    "saved_model": version.path,
    "repeat": repeat,
    "calls": [
      {
        "inputs": {
          version.signatures[signature].inputs[name].name: values for name, values in inputs.items()
        },
        "outputs": list(wanted.values()),
      }
      for (signature, inputs), wanted in zip(calls, outputs, strict=True)
    ],
  }
  answers = _in_fresh_process(request, {} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"})
  for answer, wanted in zip(answers, outputs, strict=True):
    if "outputs" in answer:
      answer["outputs"] = {name: answer["outputs"][tensor] for name, tensor in wanted.items()}
  return answers


def _in_fresh_process(request: Mapping, environment: Mapping) -> list[dict[str, Any]]:
  with tempfile.TemporaryDirectory() as folder:
    paths = [os.path.join(folder, name) for name in ("request.pickle", "answer.pickle")]
    with open(paths[0], "wb") as file:
      pickle.dump(request, file)
    done = subprocess.run(
      [sys.executable, "-P", c_api.__file__, *paths],
      capture_output=True,
      text=True,
      env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **environment},
    )
    if done.returncode:
      raise RunError(done.stderr.strip().splitlines()[-1] if done.stderr else "the process died")
    with open(paths[1], "rb") as file:
      return pickle.load(file)
