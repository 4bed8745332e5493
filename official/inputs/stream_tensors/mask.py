"""Masks in TensorFlow: they are targets, and no network reads one."""

from official.inputs import stream_tensors
from official.inputs.stream_tensors.tensors import StreamTensors


class MaskTensors(StreamTensors):
  """The counterpart of the kind `mask`."""


TENSORS = stream_tensors.register(MaskTensors(name="mask"))
