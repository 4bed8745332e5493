"""Sample clips of a dataset, and statistics over them, for the preview page."""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
import dataclasses

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import class_table
from data_prep.dataset import looks_wrong
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo

PICTURE_HEIGHT = 96
_FRAMES_SHOWN = 8
_MOST_SHOWN = 200  # Clips on a page.
UNLABELLED = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
  """One clip, decoded as far as a page needs it.

  Attributes:
    frames: How many it has.
    pictures: By stream, some of its images, as `StreamKind.seen` returns them; evenly spaced over
      the clip, the same moments in every stream.
    content: Digest of all its stored frames; empty if unknown.
  """

  clip_id: str
  split: str
  labels: tuple[str, ...]
  frames: int
  pictures: Mapping[str, Sequence[np.ndarray]]
  content: bytes = b""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
  """The facts that a page shows about a dataset.

  Attributes:
    seconds: Length of every clip that was read.
    measured: By stream whose kind has such, the numbers that are drawn of it (StreamKind.measured).
    cut_off: By the same streams, the share of values that may have been cut off.
    counts: By class, clips that were read; `UNLABELLED` is the class of clips without labels.
    split_counts: By split, the same for each class in the order of the dataset.
    shown: By class, some of them, their pictures `PICTURE_HEIGHT` pixels high.
    signs: What looks wrong in the clips that were read.
  """

  seconds: np.ndarray
  measured: Mapping[str, np.ndarray]
  cut_off: Mapping[str, float]
  counts: Mapping[str, int]
  split_counts: Mapping[str, Sequence[int]]
  shown: Mapping[str, Sequence[Clip]]
  signs: Sequence[looks_wrong.Sign] = ()


def read(directory: str, info: metadata.DatasetInfo, max_clips: int) -> Iterator[Clip]:
  """Yields clips: the first of every file, the second of every file, ..., at most `max_clips`."""
  paths = [
    (split, path) for split in metadata.SPLITS for path in metadata.shard_paths(directory, split)
  ]
  if len(paths) > max_clips:
    paths = [paths[index * len(paths) // max_clips] for index in range(max_clips)]
  per_file = -(-max_clips // max(len(paths), 1))
  count = 0
  for split, path in paths:
    with files.open_to_read(path) as file:
      for record, _ in zip(records.read_records(file), range(per_file)):
        if count == max_clips:
          return
        count += 1
        yield _clip(record, split, info)


def _clip(record: bytes, split: str, info: metadata.DatasetInfo) -> Clip:
  context, lists = records.parse(record)
  frames = max(len(lists[stream.feature]) for stream in info.streams.values())
  moments = sorted({round(k * (frames - 1) / (_FRAMES_SHOWN - 1)) for k in range(_FRAMES_SHOWN)})
  clip_id, pictures = context["example/id"][0].decode(), {}
  stored = {
    name: [image[0] for image in lists[stream.feature]] for name, stream in info.streams.items()
  }
  for name, stream in info.streams.items():
    images = stored[name]  # The last flow stands for the last frame, too.
    pictures[name] = [
      _decode(images[min(moment, len(images) - 1)], stream, f"the stream {name!r} of {clip_id}")
      for moment in moments
    ]
  return Clip(
    clip_id=clip_id,
    split=split,
    labels=tuple(label.decode() for label in context.get("clip/label/string", ())),
    frames=frames,
    pictures=pictures,
    content=looks_wrong.digest(stored),
  )


def _decode(data: bytes, stream: StreamInfo, where: str) -> np.ndarray:
  """Returns a stored frame as its kind sees it; raises UserError if it is no image."""
  kind = stream_kinds.get(stream.kind)
  levels = kind.decode(data, stream)
  if levels is None:
    raise cli.UserError(f"a frame of {where} cannot be decoded; prepare the dataset again")
  return kind.seen(levels, stream)


def summarize(clips: Iterable[Clip], info: metadata.DatasetInfo, clips_per_class: int) -> Summary:
  """Returns what the page shows; keeps the pictures of few clips only, and those small.

  Where there are many classes, fewer than `clips_per_class` are kept of each.
  """
  shown: dict[str, list[Clip]] = {name: [] for name in info.classes or (UNLABELLED,)}
  most = min(clips_per_class, max(_MOST_SHOWN // len(shown), 1))
  seconds, measured, cut_off = [], collections.defaultdict(list), collections.defaultdict(list)
  counts, labelled = collections.Counter(), []
  signs, duplicates = [], looks_wrong.Duplicates()
  for clip in clips:
    labelled.append((clip.labels, clip.split))
    seconds.append(clip.frames / info.fps)
    seen = []
    for name, stream in info.streams.items():
      kind, share = stream_kinds.get(stream.kind), 0.0
      found = kind.measured(np.stack(clip.pictures[name]), stream)
      if found is not None:
        numbers, share = found
        measured[name].append(numbers)
        cut_off[name].append(share)
      seen += kind.signs(clip.pictures[name], share, clip.frames)
    signs += _signs(clip, seen, duplicates)
    labels = clip.labels or (UNLABELLED,)
    counts.update(labels)
    wanted = [label for label in labels if len(shown[label]) < most]
    if wanted and sum(map(len, shown.values())) < _MOST_SHOWN:
      small = _shrunk(clip, info.streams)
      for label in wanted:
        shown[label].append(small)
  return Summary(
    seconds=np.array(seconds),
    measured={name: np.concatenate(parts) for name, parts in measured.items()},
    cut_off={name: float(np.mean(parts)) for name, parts in cut_off.items()},
    counts=counts,
    split_counts=class_table.tabulate(labelled, info.classes).by_split(info.classes),
    shown=shown,
    signs=signs,
  )


def _signs(
  clip: Clip, seen: Sequence[tuple[str, str]], duplicates: looks_wrong.Duplicates
) -> list[looks_wrong.Sign]:
  """Returns what looks wrong with a clip, each kind once, given what its streams show."""
  found = [*seen]
  if clip.content:
    found += duplicates.look(clip.clip_id, clip.split, clip.content)
  return [
    looks_wrong.Sign(kind, clip.clip_id, clip.split, about)
    for kind, about in {kind: about for kind, about in reversed(found)}.items()
  ]


def _shrunk(clip: Clip, streams: Mapping[str, StreamInfo]) -> Clip:
  """Returns the clip with pictures of `PICTURE_HEIGHT`; flow stays in pixels of the dataset."""
  return dataclasses.replace(
    clip,
    pictures={
      name: [
        stream_kinds.get(streams[name].kind).thumbnail(
          one, max(round(one.shape[1] * PICTURE_HEIGHT / one.shape[0]), 1), PICTURE_HEIGHT
        )
        for one in pictures
      ]
      for name, pictures in clip.pictures.items()
    },
  )
