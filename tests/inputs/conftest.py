"""Small datasets, written by data_prep's own writers."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
import pytest

from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo

STREAMS = {
  "rgb": StreamInfo(kind="image", channels=3, feature="image/encoded", format="png"),
  "flow": StreamInfo(
    kind="flow", channels=2, feature="FORWARD_FLOW/image/encoded", format="png", bound=20.0
  ),
  "depth": StreamInfo(kind="image", channels=1, feature="DEPTH/image/encoded", format="png"),
}


def encode(values: np.ndarray, stream: StreamInfo) -> bytes:
  """Returns the stored image of a frame: uint8, or float flow in pixels."""
  return stream_kinds.get(stream.kind).encode(values, stream)


@pytest.fixture(scope="session")
def write_dataset() -> Callable[..., str]:
  """Writes a dataset folder.

  `splits` holds, by name, the clips: (labels, {stream: frames}).
  """

  def write(
    folder,
    splits: Mapping[str, Sequence[tuple[Sequence[int], Mapping[str, Sequence[np.ndarray]]]]],
    *,
    shards: int = 1,
    short_side: int = 40,
    classes: Sequence[str] = ("a", "b", "c"),
    multi_label: bool = False,
  ) -> str:
    counts = {name: metadata.SplitInfo() for name in metadata.SPLITS}
    names = set()
    for split, clips in splits.items():
      for shard in range(shards):
        with open(folder / metadata.shard_name(split, shard, shards), "wb") as file:
          for index in range(shard, len(clips), shards):
            labels, frames = clips[index]
            names |= set(frames)
            context = {"example/id": [f"{split}{index}".encode()], "clip/label/index": list(labels)}
            lists = {
              STREAMS[name].feature: [[encode(image, STREAMS[name])] for image in images]
              for name, images in frames.items()
            }
            records.write_record(file, records.sequence_example(context, lists))
      total = sum(max(map(len, frames.values())) for _, frames in clips)
      counts[split] = metadata.SplitInfo(clips=len(clips), frames=total, shards=shards)
    info = metadata.DatasetInfo(
      classes=tuple(classes),
      streams={name: STREAMS[name] for name in sorted(names)},
      fps=10.0,
      short_side=short_side,
      splits=counts,
      failures=0,
      multi_label=multi_label,
      manifest_sha256=str(folder),
      settings={},
      versions={},
    )
    metadata.save(info, str(folder))
    return str(folder)

  return write


def smooth(seed: int, shape: tuple[int, ...]) -> np.ndarray:
  """Returns a random smooth picture, uint8."""
  noise = np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)
  blurred = cv2.GaussianBlur(noise, (0, 0), 2)
  low, high = blurred.min(), blurred.max()
  return ((blurred - low) / (high - low) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def two_stream(tmp_path_factory, write_dataset) -> str:
  """9 train and 5 validation videos of 6 to 14 frames of 40x60, and their flow."""
  rng = np.random.default_rng(0)

  def clip(seed: int):
    count = 6 + seed % 9
    frames = [smooth(100 * seed + t, (40, 60, 3)) for t in range(count)]
    flows = [
      rng.normal(size=(1, 1, 2)) + smooth(100 * seed + t, (40, 60, 2)) / 50.0
      for t in range(count - 1)
    ]
    return [seed % 3], {"rgb": frames, "flow": flows}

  return write_dataset(
    tmp_path_factory.mktemp("two_stream"),
    {
      "train": [clip(seed) for seed in range(9)],
      "validation": [clip(seed) for seed in range(20, 25)],
    },
    shards=2,
  )


@pytest.fixture(scope="session")
def smooth_picture() -> Callable[..., np.ndarray]:
  return smooth
