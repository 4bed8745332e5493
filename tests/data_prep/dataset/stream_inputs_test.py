"""Streams from files of their own: what --stream means, and what is wrong with their files."""

import dataclasses

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import rows
from data_prep.dataset import stream_inputs

FRAMES = 6  # Of a video at 10 frames a second.


@pytest.fixture
def folder(tmp_path, write_video):
  """Two clips with a stream x, of 12x16 pixels and 4 channels of float16."""
  lines = ["path,label,split,stream:x"]
  for index in range(2):
    write_video(tmp_path / f"{index}.avi", count=FRAMES)
    np.save(tmp_path / f"{index}.npy", _values())
    lines.append(f"{index}.avi,a,train,{index}.npy")
  (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
  return tmp_path


def _values(shape=(FRAMES, 12, 16, 4), dtype=np.float16):
  return np.random.default_rng(0).integers(0, 9, shape).astype(dtype)


def _looked_at(folder, given="x:array"):
  inputs = stream_inputs.parse_all([given])
  manifest = str(folder / "m.csv")
  all_rows = rows.read(manifest, stream_inputs.columns(inputs))
  return stream_inputs.looked_at(inputs, all_rows, manifest, fps=10, bound=20)[0]


def test_the_parts_of_a_stream():
  one = stream_inputs.parse("spectrum:array:0.5@12.5")
  assert (one.name, one.kind, one.scale, one.rate) == ("spectrum", "array", 0.5, 12.5)
  one = stream_inputs.parse("lidar:array")
  assert (one.scale, one.rate, one.column) == (None, None, "stream:lidar")


@pytest.mark.parametrize(
  "given, told",
  [
    ("lidar", "`stream`=lidar is not NAME:KIND"),
    ("Lidar:array", "is not NAME:KIND"),
    ("lidar:points", "lidar:points: unknown stream kind 'points'"),
    ("rgb:image", "rgb comes from the video or the column mask"),
    ("lidar:array:big", "its scale is big, not a number above 0"),
    ("lidar:array@0", "its rate is 0, not a number above 0"),
  ],
)
def test_a_stream_that_is_none_is_told(given, told):
  with pytest.raises(cli.UserError, match=told):
    stream_inputs.parse(given)


def test_the_first_file_says_what_a_stream_is(folder):
  info = _looked_at(folder).info
  assert (info.channels, info.dtype, info.own_size) == (4, "float16", (12, 16))
  assert _looked_at(folder, "x:array:1").info.own_size is None


@pytest.mark.parametrize(
  "change, told",
  [
    (dict(shape=(FRAMES, 12, 16, 3)), "1.npy, has 12x16 pixels of 3 channels of float16; that of"),
    (dict(shape=(FRAMES, 12, 15, 4)), "1.npy, has 12x15 pixels of 4 channels"),
    (dict(dtype=np.float32), "1.npy, has 12x16 pixels of 4 channels of float32; that of row 2 has"),
    (dict(shape=(3, 12, 16, 4)), "has another length than its video: 3 frames, 0.3 s of 0.6 s"),
  ],
)
def test_a_file_that_is_not_as_the_first_is_told(folder, change, told):
  np.save(folder / "1.npy", _values(**change))
  with pytest.raises(cli.UserError, match="m.csv, row 3: the stream x, " + ".*" + told[7:]):
    _looked_at(folder)


def test_a_rate_of_its_own_is_another_number_of_frames(folder):
  for index in range(2):
    np.save(folder / f"{index}.npy", _values((FRAMES // 2, 12, 16, 4)))
  assert _looked_at(folder, "x:array@5").rate == 5


def test_values_that_are_no_numbers_are_told(folder):
  values = _values()
  values[3, 4, 5, 1] = np.nan
  np.save(folder / "1.npy", values)
  with pytest.raises(cli.UserError, match="row 3: the stream x, 1.npy, has a value that is no fin"):
    _looked_at(folder)


def test_a_missing_file_is_told(folder):
  (folder / "1.npy").unlink()
  with pytest.raises(cli.UserError, match="row 3: the stream x, 1.npy, is not there"):
    _looked_at(folder)


def test_an_empty_field_and_a_missing_column_are_told(folder):
  with pytest.raises(cli.UserError, match="has no column 'stream:y', which holds the files of the"):
    _looked_at(folder, "y:array")
  path = folder / "m.csv"
  path.write_text(path.read_text().replace("1.npy", ""))
  with pytest.raises(
    cli.UserError, match="row 3: stream:x is empty: the file of the stream is mis"
  ):
    _looked_at(folder)


@pytest.mark.parametrize(
  "given, dtype, told",
  [
    ("x:image", np.float16, "has 4 channels of float16, and images have 1 or 3 of uint8"),
    ("x:flow", np.float16, "has 4 channels of float16, and flow has 2 of a float type"),
    ("x:depth", np.float16, "has 4 channels, and the kind depth takes 1"),
    ("x:array", np.float64, "has values of type float64, and the kind array takes float16, "),
  ],
)
def test_values_that_a_kind_does_not_take_are_told(folder, given, dtype, told):
  for index in range(2):
    np.save(folder / f"{index}.npy", _values(dtype=dtype))
  with pytest.raises(cli.UserError, match=f"row 2: the stream x, 0.npy, {told}"):
    _looked_at(folder, given)


def test_other_files_are_another_manifest(folder):
  inputs = stream_inputs.parse_all(["x:array"])
  plain = rows.read(str(folder / "m.csv"))
  found = rows.read(str(folder / "m.csv"), stream_inputs.columns(inputs))
  changed = [dataclasses.replace(row, streams={"x": "other.npy"}) for row in found]
  assert len({rows.digest(some) for some in (plain, found, changed)}) == 3
