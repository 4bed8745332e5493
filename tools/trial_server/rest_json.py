"""Tensors as JSON, the way TensorFlow Serving's REST reads and writes them (its json_tensor.cc).

    request   {"signature_name": NAME, "instances": [clip, ...]}     a row per clip
              {"signature_name": NAME, "inputs": {NAME: batch}}      a column per tensor
    answer    {"predictions": [{NAME: values}, ...]}, or {"outputs": {NAME: batch}}

With one tensor, the object around it may be left out of a request, and is left out of an answer.
Bytes are {"b64": "..."}; in an answer, only those of an output whose name ends with `_bytes`.
"""

import base64
import binascii
from collections.abc import Mapping
import dataclasses
import json
from typing import Any

import numpy as np

from tools.trial_server import refusals
from tools.trial_server.refusals import Refusal
from tools.trial_server.refusals import invalid

_INSTANCES, _INPUTS, _SIGNATURE = "instances", "inputs", "signature_name"
_QUOTED = 100  # characters of a value in a message
_TYPES = {dict: "Object", list: "Array", str: "String", type(None): "Null"}


@dataclasses.dataclass(frozen=True)
class Request:
  """A request whose tensors are still JSON.

  Attributes:
    signature: Name of the signature; empty for the default.
    content: What `instances` or `inputs` holds.
    by_row: Whether it is `instances`.
  """

  signature: str
  content: Any
  by_row: bool

  def tensors(self, dtypes: Mapping[str, np.dtype]) -> dict[str, np.ndarray]:
    """Returns the inputs.

    Args:
      dtypes: Types of the signature's inputs; dtype object for strings.

    Raises:
      Refusal: They are not such tensors.
    """
    return (_of_rows if self.by_row else _of_columns)(self.content, dtypes)


def parse(body: bytes) -> Request:
  """Returns the request that is in a body; raises Refusal."""
  if not body:
    raise invalid("JSON Parse error: The document is empty")
  try:
    found = json.loads(body)
  except json.JSONDecodeError as error:
    raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
  except (UnicodeDecodeError, ValueError) as error:
    raise invalid(f"JSON Parse error: {error}") from error
  except RecursionError as error:
    raise invalid("JSON Parse error: the lists are nested too deeply") from error
  if type(found) is not dict:
    raise invalid(f"JSON Value: {_shown(found)} Is not object")
  signature = found.get(_SIGNATURE, "")
  if type(signature) is not str:
    raise invalid(
      f"JSON Value: {_shown(found)} not formatted correctly. 'signature_name' key must be a string "
      "value."
    )
  if _INSTANCES in found and _INPUTS in found:
    raise invalid(
      f"JSON Value: {_shown(found)} Not formatted correctly expecting only one of 'inputs' or "
      "'instances' keys to exist "
    )
  if _INSTANCES in found:
    rows = found[_INSTANCES]
    if type(rows) is not list:
      raise invalid(f"JSON Value: {_shown(found)} Excepting 'instances' to be an list/array")
    if not rows:
      raise invalid(f"JSON Value: {_shown(found)} No values in 'instances' array")
    return Request(signature, rows, by_row=True)
  if _INPUTS in found:
    return Request(signature, found[_INPUTS], by_row=False)
  raise invalid("Missing 'inputs' or 'instances' key")


def answer(outputs: Mapping[str, np.ndarray], *, by_row: bool) -> dict[str, Any]:
  """Returns the answer to a request; raises Refusal if rows are wanted and there are none."""
  values = {name: _plain(name, outputs[name]) for name in sorted(outputs)}
  if not by_row:
    return {"outputs": values if len(values) > 1 else next(iter(values.values()))}
  sizes = {name: len(value) if type(value) is list else None for name, value in values.items()}
  for name, size in sizes.items():
    if size is None:
      raise invalid(f"Tensor name: {name} has no shape information ")
    if size != (first := next(iter(sizes.values()))):
      raise invalid(f"Tensor name: {name} has inconsistent batch size: {size} expecting: {first}")
  if len(values) == 1:
    return {"predictions": next(iter(values.values()))}
  return {"predictions": [dict(zip(values, row)) for row in zip(*values.values(), strict=True)]}


def _of_rows(rows: list, dtypes: Mapping[str, np.dtype]) -> dict[str, np.ndarray]:
  if type(rows[0]) is not dict and len(dtypes) > 1:
    raise invalid(
      "instances is a plain list, but expecting list of objects as multiple input tensors required "
      "as per tensorinfo_map"
    )
  named = _is_object(rows[0])
  columns: dict[str, list[np.ndarray]] = {name: [] for name in dtypes}
  for number, row in enumerate(rows):
    if _is_object(row) != named:
      wanted, got = ("object", "list") if named else ("value/list", "object")
      raise invalid(f"Expecting {wanted} but got {got} at item {number} of input list")
    place = f"Failed to process element: {number}"
    if named and set(row) != set(dtypes):
      raise invalid(
        f"{place} of 'instances' list. JSON object: {_shown(row)} keys must be equal to: "
        f"{','.join(sorted(dtypes))}"
      )
    for name, dtype in dtypes.items():
      key = f" key: {name}" if named else ""
      try:
        value = _tensor(row[name] if named else row, dtype)
        _same_shape(columns[name], value)
      except Refusal as refusal:
        raise invalid(f"{place}{key} of 'instances' list. Error: {refusal}") from refusal
      columns[name].append(value)
  return {name: np.stack(values) for name, values in columns.items()}


def _of_columns(content: Any, dtypes: Mapping[str, np.dtype]) -> dict[str, np.ndarray]:
  if not _is_object(content):
    if len(dtypes) > 1:
      raise invalid(
        "inputs is a plain value/list, but expecting an object as multiple input tensors required "
        "as per tensorinfo_map"
      )
    return {name: _tensor(content, dtype) for name, dtype in dtypes.items()}
  for name in dtypes:
    if name not in content:
      raise invalid(f"Missing named input: {name} in 'inputs' object.")
  return {name: _tensor(content[name], dtype) for name, dtype in dtypes.items()}


def _same_shape(before: list[np.ndarray], value: np.ndarray) -> None:
  if before and before[0].shape != value.shape:
    wanted, got = (str(list(shape)).replace(" ", "") for shape in (before[0].shape, value.shape))
    raise invalid(f"Expecting shape {wanted} but got: {got}")


def _tensor(value: Any, dtype: np.dtype) -> np.ndarray:
  """Returns an array from nested lists; level by level, so that no depth exhausts the stack."""
  shape, first = [], value
  while type(first) is list:
    shape.append(len(first))
    if not first:
      break
    first = first[0]
  flat = [value]
  for level, size in enumerate(shape):
    for item in flat:
      if type(item) is not list:
        raise invalid(
          f"JSON Value: {_shown(item)} found at incorrect level: {level + 1} in the JSON DOM. "
          f"Expected at level: {len(shape)}"
        )
      if len(item) != size:
        raise invalid(
          f"Encountered list at unexpected size: {len(item)} at level: {level} expected size: "
          f"{size}"
        )
    flat = [item for items in flat for item in items]
  if any(type(item) is list for item in flat):
    raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
  return _values(flat, dtype).reshape(shape)


def _values(flat: list, dtype: np.dtype) -> np.ndarray:
  """Returns the values of a tensor, each of which is checked."""
  if dtype.hasobject:
    found = np.empty(len(flat), object)
    found[:] = [_bytes(item) for item in flat]
    return found
  allowed = {"b": (bool,), "f": (int, float), "i": (int,), "u": (int,)}.get(dtype.kind)
  if allowed is None:
    raise Refusal("UNIMPLEMENTED", f"Conversion of JSON Value: to type: {dtype.name}")
  wrong = next((item for item in flat if type(item) not in allowed), None)
  if wrong is not None or None in flat:
    raise _type_error(wrong, dtype)
  try:
    if dtype.kind in "iu" and flat and not (_fits(min(flat), dtype) and _fits(max(flat), dtype)):
      raise OverflowError(_shown(next(item for item in flat if not _fits(item, dtype))))
    found = np.array(flat, np.float64 if dtype.kind == "f" else dtype)
    with np.errstate(over="ignore"):
      narrow = found.astype(dtype)
    if dtype.kind == "f" and (np.isinf(narrow) & np.isfinite(found)).any():
      raise OverflowError(f"{np.abs(found[np.isfinite(found)]).max():g}")
    return narrow
  except OverflowError as error:
    raise invalid(
      f"Cannot convert JSON value: {error} to {_name(dtype)} without loss of precision."
    ) from error


def _fits(item: int, dtype: np.dtype) -> bool:
  return np.iinfo(dtype).min <= item <= np.iinfo(dtype).max


def _name(dtype: np.dtype) -> str:
  return "string" if dtype.hasobject else {"float32": "float"}.get(dtype.name, dtype.name)


def _bytes(item: Any) -> bytes:
  if type(item) is str:
    return item.encode("utf-8", "surrogatepass")
  if type(item) is not dict:
    raise _type_error(item, np.dtype(object))
  if not _is_base64(item):
    raise invalid(f"JSON Value: {_shown(item)} not formatted correctly for base64 data")
  text = item["b64"]
  try:
    padded = text.translate({ord("-"): "+", ord("_"): "/"}) + "=" * (-len(text) % 4)
    return base64.b64decode(padded, validate=True)
  except (binascii.Error, ValueError) as error:
    raise invalid("Unable to base64 decode") from error


def _is_object(value: Any) -> bool:
  return type(value) is dict and not _is_base64(value)


def _is_base64(value: dict) -> bool:
  return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def _type_error(value: Any, dtype: np.dtype) -> Refusal:
  kind = str(value) if type(value) is bool else _TYPES.get(type(value), "Number")
  return invalid(
    f"JSON Value: {_shown(value)} Type: {kind} is not of expected type: {_name(dtype)}"
  )


def _shown(value: Any) -> str:
  """Returns the beginning of a value; of a long one, the rest is not written at all."""
  text = ""
  try:
    for part in json.JSONEncoder().iterencode(value):
      text += part
      if len(text) > _QUOTED:
        break
  except RecursionError:
    text = "[" * _QUOTED
  return refusals.shortened(text, _QUOTED)


def _plain(name: str, values: np.ndarray) -> Any:
  """Returns an array as plain lists, with floats as short as they can be told apart."""
  flat = values.reshape(-1)
  if values.dtype.hasobject:
    as_bytes = name.endswith("_bytes")
    plain = [
      {"b64": base64.b64encode(item).decode()} if as_bytes else item.decode(errors="replace")
      for item in flat
    ]
  elif values.dtype.kind == "f":
    plain = [float(str(item)) for item in flat]
  else:
    plain = flat.tolist()
  for size in reversed(values.shape[1:]):
    plain = [plain[i : i + size] for i in range(0, len(plain), size or 1)]
  return plain if values.shape else plain[0]
