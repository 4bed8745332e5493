"""Runs a SavedModel through TensorFlow's C API, without importing tensorflow.

    python -m official.serving.c_api REQUEST.pickle ANSWER.pickle

The loader behind `TF_LoadSessionFromSavedModel` is the one that TensorFlow Serving calls, and the
session runs what the server would run. REQUEST is a dictionary, made by this package:

    library       folder of libtensorflow_cc.so.2
    saved_model   folder of one version
    calls         a list of {inputs: {tensor of the graph: array}, outputs: tensors of the graph}
    repeat        times that each call is made

ANSWER is a list, for each call {outputs: arrays} or {error: TensorFlow's text}, and {seconds: one
number a repetition}. Arrays are float32, uint8, or bytes in arrays of dtype object.
"""

from collections.abc import Mapping, Sequence
import ctypes
import os
import pickle
import sys
import time

import numpy as np

# TF_DataType
_DTYPES = {1: np.dtype(np.float32), 4: np.dtype(np.uint8), 7: np.dtype(object)}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}


class _Output(ctypes.Structure):
  _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
  _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


class _TString(ctypes.Structure):
  _fields_ = [("raw", ctypes.c_uint8 * 24)]


def _declare(library: ctypes.CDLL) -> None:
  _declare_sessions(library, ctypes.c_void_p)
  _declare_tensors(library, ctypes.c_void_p)


def _declare_sessions(library: ctypes.CDLL, pointer: type) -> None:
  for name in (
    "TF_NewStatus",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_LoadSessionFromSavedModel",
    "TF_GraphOperationByName",
  ):
    getattr(library, name).restype = pointer
  library.TF_Message.restype = ctypes.c_char_p
  library.TF_Message.argtypes = library.TF_GetCode.argtypes = [pointer]
  library.TF_LoadSessionFromSavedModel.argtypes = [
    pointer,
    pointer,
    ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.c_int,
    pointer,
    ctypes.POINTER(_Buffer),
    pointer,
  ]
  library.TF_GraphOperationByName.argtypes = [pointer, ctypes.c_char_p]
  library.TF_SessionRun.argtypes = [
    pointer,
    pointer,
    ctypes.POINTER(_Output),
    ctypes.POINTER(pointer),
    ctypes.c_int,
    ctypes.POINTER(_Output),
    ctypes.POINTER(pointer),
    ctypes.c_int,
    pointer,
    ctypes.c_int,
    pointer,
    pointer,
  ]


def _declare_tensors(library: ctypes.CDLL, pointer: type) -> None:
  library.TF_AllocateTensor.restype = library.TF_TensorData.restype = pointer
  library.TF_AllocateTensor.argtypes = [
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.c_int,
    ctypes.c_size_t,
  ]
  for name in (
    "TF_TensorData",
    "TF_NumDims",
    "TF_TensorType",
    "TF_TensorByteSize",
    "TF_TensorElementCount",
  ):
    getattr(library, name).argtypes = [pointer]
  library.TF_TensorByteSize.restype = ctypes.c_size_t
  library.TF_TensorElementCount.restype = ctypes.c_int64
  library.TF_Dim.argtypes, library.TF_Dim.restype = [pointer, ctypes.c_int], ctypes.c_int64
  library.TF_StringCopy.argtypes = [ctypes.POINTER(_TString), ctypes.c_char_p, ctypes.c_size_t]
  library.TF_StringCopy.restype = None
  library.TF_DeleteTensor.argtypes = [pointer]
  library.TF_DeleteTensor.restype = None
  library.TF_StringGetDataPointer.argtypes = library.TF_StringGetSize.argtypes = [
    ctypes.POINTER(_TString)
  ]
  library.TF_StringGetDataPointer.restype = ctypes.c_void_p
  library.TF_StringGetSize.restype = ctypes.c_size_t


class CError(Exception):
  """The error message of TensorFlow, on one line."""


class Session:
  """A loaded SavedModel."""

  def __init__(self, library: str, saved_model: str):
    """Loads `saved_model`, tag `serve`, with the libraries in the folder `library`."""
    ctypes.CDLL(os.path.join(library, "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
    self._c = ctypes.CDLL(os.path.join(library, "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
    _declare(self._c)
    self._status, self._graph = self._c.TF_NewStatus(), self._c.TF_NewGraph()
    tags = (ctypes.c_char_p * 1)(b"serve")
    self._session = self._c.TF_LoadSessionFromSavedModel(
      self._c.TF_NewSessionOptions(),
      None,
      saved_model.encode(),
      tags,
      1,
      self._graph,
      ctypes.byref(_Buffer()),
      self._status,
    )
    self._check()

  def run(self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
    """Returns the values of the tensors `outputs`.

    Raises:
      CError: A tensor is not there, or the graph fails.
    """
    feeds = (_Output * len(inputs))(*map(self._tensor, inputs))
    fetches = (_Output * len(outputs))(*map(self._tensor, outputs))
    values = (ctypes.c_void_p * len(inputs))(*map(self._to_c, inputs.values()))
    results = (ctypes.c_void_p * len(outputs))()
    self._c.TF_SessionRun(
      self._session,
      None,
      feeds,
      values,
      len(inputs),
      fetches,
      results,
      len(outputs),
      None,
      0,
      None,
      self._status,
    )
    for value in values:
      self._c.TF_DeleteTensor(value)
    self._check()
    arrays = [self._to_array(result) for result in results]
    for result in results:
      self._c.TF_DeleteTensor(result)
    return arrays

  def _check(self) -> None:
    if self._c.TF_GetCode(self._status):
      raise CError(" ".join(self._c.TF_Message(self._status).decode().split()))

  def _tensor(self, tensor: str) -> _Output:
    name, index = tensor.split(":")
    operation = self._c.TF_GraphOperationByName(self._graph, name.encode())
    if not operation:
      raise CError(f"the graph has no operation {name!r}")
    return _Output(operation, int(index))

  def _to_c(self, values: np.ndarray) -> int:
    values = np.ascontiguousarray(values)
    is_text = values.dtype.hasobject
    size = values.size * ctypes.sizeof(_TString) if is_text else values.nbytes
    shape = (ctypes.c_int64 * values.ndim)(*values.shape)
    tensor = self._c.TF_AllocateTensor(_NUMBERS[values.dtype], shape, values.ndim, size)
    data = self._c.TF_TensorData(tensor)
    if not is_text:
      ctypes.memmove(data, values.ctypes.data, size)
      return tensor
    ctypes.memset(data, 0, size)  # all zeros is the empty string
    for target, text in zip((_TString * values.size).from_address(data), values.ravel()):
      self._c.TF_StringCopy(ctypes.byref(target), text, len(text))
    return tensor

  def _to_array(self, tensor: int) -> np.ndarray:
    shape = [self._c.TF_Dim(tensor, axis) for axis in range(self._c.TF_NumDims(tensor))]
    dtype = _DTYPES[self._c.TF_TensorType(tensor)]
    data = self._c.TF_TensorData(tensor)
    if not dtype.hasobject:
      content = ctypes.string_at(data, self._c.TF_TensorByteSize(tensor))
      return np.frombuffer(content, dtype).reshape(shape)
    texts = (_TString * self._c.TF_TensorElementCount(tensor)).from_address(data)
    values = np.empty(len(texts), object)
    values[:] = [
      ctypes.string_at(self._c.TF_StringGetDataPointer(text), self._c.TF_StringGetSize(text))
      for text in texts
    ]
    return values.reshape(shape)


def answer(request: Mapping) -> list[dict]:
  """Returns what the module's text says."""
  session = Session(request["library"], request["saved_model"])
  answers = []
  for call in request["calls"]:
    seconds = []
    try:
      for _ in range(request["repeat"]):
        start = time.perf_counter()
        arrays = session.run(call["inputs"], call["outputs"])
        seconds.append(time.perf_counter() - start)
      answers.append({"outputs": dict(zip(call["outputs"], arrays)), "seconds": seconds})
    except CError as error:
      answers.append({"error": str(error)})
  return answers


def main(request_path: str, answer_path: str) -> None:
  with open(request_path, "rb") as file:
    request = pickle.load(file)
  try:
    answers = answer(request)
  except CError as error:
    sys.exit(f"TensorFlow: {error}")
  if "tensorflow" in sys.modules:
    sys.exit("tensorflow was imported, and this process was to do without")
  with open(answer_path, "wb") as file:
    pickle.dump(answers, file)


if __name__ == "__main__":
  main(*sys.argv[1:])
