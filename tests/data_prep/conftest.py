"""Small videos, and ways to run what is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
import os
import pathlib
import subprocess
import sys
import typing

import av
import cv2
import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import rows

if typing.TYPE_CHECKING:
  from tests.data_prep import s3_server

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def texture() -> np.ndarray:
  """A smooth RGB texture `[128, 160, 3]`."""
  noise = np.random.default_rng(0).uniform(0, 255, (128, 160, 3)).astype(np.float32)
  blurred = cv2.GaussianBlur(noise, (0, 0), 3)
  low, high = blurred.min(), blurred.max()
  return ((blurred - low) / (high - low) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def write_video(texture: np.ndarray) -> Callable[..., pathlib.Path]:
  """Writes a video whose picture moves by `shift` (x, y) whole pixels a frame."""

  def write(
    path: pathlib.Path,
    *,
    count: int = 8,
    size: tuple[int, int] = (64, 48),
    fps: int = 10,
    shift: tuple[int, int] = (2, 0),
    codec: str = "mpeg4",
  ) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
      stream = container.add_stream(codec, rate=fps)
      stream.width, stream.height = size
      stream.pix_fmt = "yuv420p"
      stream.codec_context.thread_count = 1
      stream.codec_context.time_base = Fraction(1, fps)
      stream.codec_context.qmax = 3
      for index in range(count):
        moved = np.roll(texture, (index * shift[1], index * shift[0]), (0, 1))
        image = np.ascontiguousarray(moved[40 : 40 + size[1], 40 : 40 + size[0]])
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
      container.mux(stream.encode())
    return path

  return write


@pytest.fixture
def make_clip() -> Callable[..., tuple[bytes, int]]:
  """Makes the SequenceExample of one file; returns it with its number of frames."""

  def make(
    path: pathlib.Path,
    *,
    fps: float = 10,
    short_side: int = 32,
    start: float | None = None,
    end: float | None = None,
    **settings,
  ) -> tuple[bytes, int]:
    row = rows.Row(
      clip_id="id",
      path=path.name,
      location=str(path),
      labels=("b",),
      split="train",
      start=start,
      end=end,
    )
    maker = clip_examples.ClipMaker(
      clip_examples.Settings(fps=fps, short_side=short_side, **settings), ["a", "b"]
    )
    return maker.make(row)

  return make


@pytest.fixture(scope="session")
def manifest(tmp_path_factory, write_video) -> pathlib.Path:
  """Seven clips of two classes, of which one is no video, in all three splits."""
  folder = tmp_path_factory.mktemp("videos")
  lines = ["path,label,split"]
  for index, split in enumerate(("train", "train", "train", "validation", "test", "test")):
    label = ("left", "right")[index % 2]
    name = f"{index}.{('mp4', 'avi')[index % 2]}"
    write_video(folder / name, count=6 + index, shift=(2 if label == "right" else -2, 0))
    lines.append(f"{name},{label},{split}")
  (folder / "broken.mp4").write_bytes(b"no video at all" * 50)
  path = folder / "manifest.csv"
  path.write_text("\n".join([*lines, "broken.mp4,left,train"]) + "\n")
  return path


@pytest.fixture(scope="session")
def run_main() -> Callable[..., subprocess.CompletedProcess]:
  """Runs a main in a process of its own; `arguments` follow `python`."""

  def run(arguments: Sequence[str | os.PathLike], **options) -> subprocess.CompletedProcess:
    return subprocess.run(
      [sys.executable, *map(str, arguments)],
      cwd=ROOT,
      capture_output=True,
      text=True,
      timeout=300,
      **options,
    )

  return run


@pytest.fixture(scope="session")
def content_of() -> Callable[[pathlib.Path], dict[str, bytes]]:
  """Returns the bytes of every file below a folder, by name."""
  return lambda folder: {
    str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
  }


@pytest.fixture
def folder_urls(tmp_path, monkeypatch) -> None:
  """Makes folder://x the URL of the file `x` below `tmp_path`."""
  from tests.data_prep import folder_urls  # Beam takes seconds to import.

  monkeypatch.setattr(folder_urls.FolderFileSystem, "root", str(tmp_path), raising=False)


@pytest.fixture(scope="session")
def s3_store() -> Iterator[s3_server.Store]:
  """An S3 server on loopback, with its buckets."""
  from tests.data_prep import s3_server  # Takes seconds to import.

  with s3_server.running() as store:
    yield store
