"""SequenceExamples and TFRecord files without TensorFlow.

A SequenceExample is the protocol buffer that TensorFlow's readers parse: a *context* of features,
and *feature lists* with one feature a frame. The message classes are built here from their field
numbers (tensorflow/core/example/*.proto), in a pool of their own, so that they do not clash with
TensorFlow's in a process that has both. Serialization is deterministic: map entries in order of
their keys.

A TFRecord file is a sequence, little-endian, of

    uint64 length | uint32 masked crc32c of the length | data | uint32 masked crc32c of the data
"""

from collections.abc import Iterator, Mapping, Sequence
import struct
from typing import IO

from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
import google_crc32c

Values = Sequence[bytes] | Sequence[int] | Sequence[float]


def sequence_example(
  context: Mapping[str, Values], feature_lists: Mapping[str, Sequence[Values]]
) -> bytes:
  """Serializes a SequenceExample.

  Args:
    context: Values by key; all bytes, all int, or all float.
    feature_lists: By key, the values of each step.
  """
  example = _SequenceExample()
  for key, values in context.items():
    _fill(example.context.feature[key], values)
  for key, steps in feature_lists.items():
    features = example.feature_lists.feature_list[key].feature
    for values in steps:
      _fill(features.add(), values)
  return example.SerializeToString(deterministic=True)


def write_record(file: IO[bytes], data: bytes) -> None:
  """Appends a record to a TFRecord file."""
  length = struct.pack("<Q", len(data))
  file.write(length + struct.pack("<I", _masked_crc(length)))
  file.write(data)
  file.write(struct.pack("<I", _masked_crc(data)))


def read_records(file: IO[bytes]) -> Iterator[bytes]:
  """Yields the records of a TFRecord file; raises ValueError where it is damaged."""
  while header := file.read(12):
    if len(header) < 12 or struct.unpack("<I", header[8:])[0] != _masked_crc(header[:8]):
      raise ValueError("the TFRecord file is damaged: a record's length does not fit its checksum")
    length = struct.unpack("<Q", header[:8])[0]
    data, crc = file.read(length), file.read(4)
    if len(crc) < 4 or struct.unpack("<I", crc)[0] != _masked_crc(data):
      raise ValueError("the TFRecord file is damaged: a record does not fit its checksum")
    yield data


def parse(data: bytes) -> tuple[dict[str, list], dict[str, list[list]]]:
  """Inverse of `sequence_example`."""
  example = _SequenceExample.FromString(data)
  return (
    {key: _values(feature) for key, feature in example.context.feature.items()},
    {
      key: [_values(feature) for feature in steps.feature]
      for key, steps in example.feature_lists.feature_list.items()
    },
  )


def _fill(feature, values: Values) -> None:
  kind = type(values[0]) if values else bytes
  target = {bytes: feature.bytes_list, int: feature.int64_list, float: feature.float_list}[kind]
  target.SetInParent()
  target.value.extend(values)


def _values(feature) -> list:
  kind = feature.WhichOneof("kind")
  return list(getattr(feature, kind).value) if kind else []


def _masked_crc(data: bytes) -> int:
  crc = google_crc32c.value(data)
  return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _message_class():
  """Returns the class SequenceExample."""
  field_type = descriptor_pb2.FieldDescriptorProto
  file = descriptor_pb2.FileDescriptorProto(
    name="data_prep/example.proto", package="data_prep", syntax="proto3"
  )

  def message(name: str) -> descriptor_pb2.DescriptorProto:
    return file.message_type.add(name=name)

  def field(
    owner, number: int, name: str, kind: int | str, *, repeated: bool = False, oneof: bool = False
  ) -> None:
    label = field_type.LABEL_REPEATED if repeated else field_type.LABEL_OPTIONAL
    added = owner.field.add(name=name, number=number, label=label)
    if isinstance(kind, str):
      added.type, added.type_name = field_type.TYPE_MESSAGE, f".data_prep.{kind}"
    else:
      added.type = kind
    if oneof:
      added.oneof_index = 0

  def mapping(owner, number: int, name: str, entry: str, value: str) -> None:
    nested = owner.nested_type.add(name=entry)
    nested.options.map_entry = True
    field(nested, 1, "key", field_type.TYPE_STRING)
    field(nested, 2, "value", value)
    field(owner, number, name, f"{owner.name}.{entry}", repeated=True)

  for name, kind in (
    ("BytesList", field_type.TYPE_BYTES),
    ("FloatList", field_type.TYPE_FLOAT),
    ("Int64List", field_type.TYPE_INT64),
  ):
    field(message(name), 1, "value", kind, repeated=True)
  feature = message("Feature")
  feature.oneof_decl.add(name="kind")
  field(feature, 1, "bytes_list", "BytesList", oneof=True)
  field(feature, 2, "float_list", "FloatList", oneof=True)
  field(feature, 3, "int64_list", "Int64List", oneof=True)
  mapping(message("Features"), 1, "feature", "FeatureEntry", "Feature")
  field(message("FeatureList"), 1, "feature", "Feature", repeated=True)
  mapping(message("FeatureLists"), 1, "feature_list", "FeatureListEntry", "FeatureList")
  example = message("SequenceExample")
  field(example, 1, "context", "Features")
  field(example, 2, "feature_lists", "FeatureLists")
  pool = descriptor_pool.DescriptorPool()
  pool.Add(file)
  return message_factory.GetMessageClass(pool.FindMessageTypeByName("data_prep.SequenceExample"))


_SequenceExample = _message_class()
