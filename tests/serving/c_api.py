"""Runs a SavedModel's signature through TensorFlow's C API, without importing tensorflow.

    python c_api.py REQUEST.json

REQUEST names the library, the SavedModel, and for every input a tensor of the graph and an .npy
file (float32), for every output a tensor, an .npy file to write, and its dtype. The loader behind
`TF_LoadSessionFromSavedModel` is the one that TensorFlow Serving calls.
"""

import ctypes
import json
import os
import sys

import numpy as np

_FLOAT, _STRING = 1, 7  # TF_DataType


class _Output(ctypes.Structure):
  _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
  _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("free", ctypes.c_void_p)]


class _TString(ctypes.Structure):
  _fields_ = [("raw", ctypes.c_uint8 * 24)]


def _declare(library: ctypes.CDLL) -> None:
  pointer = ctypes.c_void_p
  for name in (
    "TF_NewStatus",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_LoadSessionFromSavedModel",
    "TF_GraphOperationByName",
    "TF_AllocateTensor",
    "TF_TensorData",
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
  library.TF_AllocateTensor.argtypes = [
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.c_int,
    ctypes.c_size_t,
  ]
  for name in ("TF_TensorData", "TF_NumDims", "TF_TensorByteSize", "TF_TensorElementCount"):
    getattr(library, name).argtypes = [pointer]
  library.TF_TensorByteSize.restype = ctypes.c_size_t
  library.TF_TensorElementCount.restype = ctypes.c_int64
  library.TF_Dim.argtypes, library.TF_Dim.restype = [pointer, ctypes.c_int], ctypes.c_int64
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
  library.TF_StringGetDataPointer.argtypes = library.TF_StringGetSize.argtypes = [
    ctypes.POINTER(_TString)
  ]
  library.TF_StringGetDataPointer.restype = ctypes.c_void_p
  library.TF_StringGetSize.restype = ctypes.c_size_t


def _check(library: ctypes.CDLL, status: int) -> None:
  if library.TF_GetCode(status):
    sys.exit(f"TensorFlow: {library.TF_Message(status).decode()}")


def _operation(library: ctypes.CDLL, graph: int, tensor: str) -> _Output:
  name, index = tensor.split(":")
  operation = library.TF_GraphOperationByName(graph, name.encode())
  if not operation:
    sys.exit(f"the graph has no operation {name!r}")
  return _Output(operation, int(index))


def _to_tensor(library: ctypes.CDLL, values: np.ndarray) -> int:
  shape = (ctypes.c_int64 * values.ndim)(*values.shape)
  tensor = library.TF_AllocateTensor(_FLOAT, shape, values.ndim, values.nbytes)
  ctypes.memmove(library.TF_TensorData(tensor), values.ctypes.data, values.nbytes)
  return tensor


def _to_array(library: ctypes.CDLL, tensor: int, dtype: int) -> np.ndarray:
  shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
  data = library.TF_TensorData(tensor)
  if dtype == _STRING:
    strings = (_TString * library.TF_TensorElementCount(tensor)).from_address(data)
    return np.array(
      [
        ctypes.string_at(library.TF_StringGetDataPointer(s), library.TF_StringGetSize(s)).decode()
        for s in strings
      ]
    ).reshape(shape)
  return np.frombuffer(
    ctypes.string_at(data, library.TF_TensorByteSize(tensor)), np.float32
  ).reshape(shape)


def main(request: dict) -> None:
  directory = request["library"]
  ctypes.CDLL(os.path.join(directory, "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
  library = ctypes.CDLL(os.path.join(directory, "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
  _declare(library)
  status, graph = library.TF_NewStatus(), library.TF_NewGraph()
  tags = (ctypes.c_char_p * 1)(b"serve")
  session = library.TF_LoadSessionFromSavedModel(
    library.TF_NewSessionOptions(),
    None,
    request["saved_model"].encode(),
    tags,
    1,
    graph,
    ctypes.byref(_Buffer()),
    status,
  )
  _check(library, status)
  feeds, fetches = request["inputs"], request["outputs"]
  values = (ctypes.c_void_p * len(feeds))(
    *(_to_tensor(library, np.load(feed["file"])) for feed in feeds)
  )
  results = (ctypes.c_void_p * len(fetches))()
  library.TF_SessionRun(
    session,
    None,
    (_Output * len(feeds))(*(_operation(library, graph, feed["tensor"]) for feed in feeds)),
    values,
    len(feeds),
    (_Output * len(fetches))(*(_operation(library, graph, fetch["tensor"]) for fetch in fetches)),
    results,
    len(fetches),
    None,
    0,
    None,
    status,
  )
  _check(library, status)
  for fetch, result in zip(fetches, results, strict=True):
    np.save(fetch["file"], _to_array(library, result, fetch["dtype"]))
  if "tensorflow" in sys.modules:
    sys.exit("tensorflow was imported, and this process was to do without")


if __name__ == "__main__":
  with open(sys.argv[1], encoding="utf-8") as file:
    main(json.load(file))
