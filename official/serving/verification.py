"""The checks that a SavedModel must pass for a server.

Every signature is *run*, by TensorFlow's C++ loader in a process without Python's TensorFlow: a
graph with a Python operation loads well, and fails at the first request. That is done on the CPU: a
GPU rounds float32 to 10 bits of mantissa (TF32) before it multiplies, another way for every size of
batch, which would hide a batch whose clips affect each other.
"""

from collections.abc import Iterator, Mapping
import dataclasses

import numpy as np

from data_prep.common import cli
from official.serving import saved_model
from official.serving import signatures
from official.serving import warm_up

_BATCH = 4
_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class Finding:
  """The outcome of one check: its subject, whether it passed, and the details."""

  what: str
  ok: bool
  seen: str


def verify(version: saved_model.Version) -> Iterator[Finding]:
  """Yields the outcome of each check; a check that makes the next ones impossible is the last."""
  try:
    tags = [list(graph.meta_info_def.tags) for graph in version.graphs]
    yield Finding("one graph, tagged serve", tags == [["serve"]], str(tags))
    foreign = sorted({op for op in version.operations() if "PyFunc" in op or ">" in op})
    yield Finding(
      "no operation of Python or of another library", not foreign, ", ".join(foreign) or "none"
    )
    complete = _complete(version)
    yield complete
    yield _batched(version)
    if complete.ok:
      version.check_assets()
      yield from _running(version)
  except saved_model.RunError as error:
    yield Finding("loads without Python's TensorFlow", False, str(error))
  except cli.UserError as error:
    yield Finding("its files are there and whole", False, str(error))


def _complete(version: saved_model.Version) -> Finding:
  """Checks that the signatures exist, with their outputs."""
  found = version.signatures
  needed = {signatures.DEFAULT, signatures.STREAMS}
  if any("frames" in definition.inputs for definition in found.values()):
    needed.add(signatures.ENCODED)
  missing = [f"no {name}" for name in sorted(needed - found.keys())] + [
    f"{signature} without {name}"
    for signature, definition in found.items()
    for name in version.served.outputs
    if name not in definition.outputs
  ]
  return Finding(
    f"every signature is there, with {', '.join(version.served.outputs)}",
    not missing,
    ", ".join(missing or found),
  )


def _batched(version: saved_model.Version) -> Finding:
  fixed = [
    f"{signature}: {name}"
    for signature, definition in version.signatures.items()
    for name, info in [*definition.inputs.items(), *definition.outputs.items()]
    if not info.tensor_shape.dim or info.tensor_shape.dim[0].size != -1
  ]
  return Finding(
    "the batch is dimension 0 of all inputs and outputs", not fixed, ", ".join(fixed) or "all"
  )


def calls(version: saved_model.Version) -> list[saved_model.Call]:
  """Returns a call of every signature: the requests to warm up with, and random streams."""
  requests = list(warm_up.read(version.path))
  asked = {signature for signature, _ in requests}
  return requests + [
    (name, _random_streams(definition.inputs))
    for name, definition in version.signatures.items()
    if name not in asked and "frames" not in definition.inputs
  ]


def _running(version: saved_model.Version) -> Iterator[Finding]:
  single = calls(version)
  batches = [(signature, _batch(inputs)) for signature, inputs in single]
  singles = [
    (signature, {name: values[i : i + 1] for name, values in inputs.items()})
    for signature, inputs in batches
    for i in range(_BATCH)
  ]
  answers = saved_model.run(version, [*single, *batches, *singles], gpus=False)
  for (signature, _), answer in zip(single, answers):
    yield _answered(version, signature, answer)
  untried = sorted(version.signatures.keys() - {signature for signature, _ in single})
  yield Finding("every signature was run", not untried, ", ".join(untried) or "all")
  for position, (signature, _) in enumerate(batches):
    batch = answers[len(single) + position]
    start = len(single) + len(batches) + position * _BATCH
    yield _alike(version.served.averaged, signature, batch, answers[start : start + _BATCH])


def _answered(version: saved_model.Version, signature: str, answer: dict) -> Finding:
  what = f"{signature} answers without Python's TensorFlow"
  if "error" in answer:
    return Finding(what, False, answer["error"])
  ok, seen = version.served.check(answer["outputs"], version.classes)
  return Finding(what, ok, seen)


def _alike(output: str, signature: str, batch: dict, singles: list[dict]) -> Finding:
  what = f"{signature} answers {_BATCH} clips at once as one by one"
  error = next((one["error"] for one in (batch, *singles) if "error" in one), None)
  if error:
    return Finding(what, False, error)
  alone = np.concatenate([one["outputs"][output] for one in singles])
  largest = float(np.abs(batch["outputs"][output].astype(float) - alone).max())
  tolerance = 1 if alone.dtype == np.uint8 else _TOLERANCE  # Grey levels are rounded.
  return Finding(what, largest <= tolerance, f"largest difference {largest:.1e}")


def _batch(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Returns four different clips made of one: as it is, and turned around in time and space."""
  return {
    name: np.concatenate([values, values[:, ::-1], _turned(values), _turned(values[:, ::-1])])
    for name, values in inputs.items()
  }


def _turned(values: np.ndarray) -> np.ndarray:
  return values[:, :, ::-1] if values.ndim == 5 else np.roll(values, 1, axis=1)


def _random_streams(inputs: Mapping) -> dict[str, np.ndarray]:
  rng = np.random.default_rng(0)
  return {
    name: rng.uniform(-1, 1, [1, *(dim.size for dim in info.tensor_shape.dim[1:])]).astype("f4")
    for name, info in inputs.items()
  }
