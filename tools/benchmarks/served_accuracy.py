"""Measures what a network trained on stored flow loses when it computes its flow itself.

    python -m tools.benchmarks.served_accuracy --saved_model=M/export/1 --data_dir=D --manifest=CSV

The validation and test clips are shown to a SavedModel twice, at the same four places from their
start to their end: as streams of the dataset, with the flow that the network was trained on
(OpenCV's, or with `--flow=in_graph` that of its frames), through `streams`; and as frames of the
videos, through `serving_default`. Printed are the clips that are right either way, those of
which the two disagree, and the mean difference of probabilities. docs/performance.md has a table.
"""

from collections.abc import Sequence
import os

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import metadata
from data_prep.dataset import rows as rows_lib

_SAVED_MODEL = flags.DEFINE_string("saved_model", None, "Folder of one version.", required=True)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Dataset it was trained on.", required=True)
_MANIFEST = flags.DEFINE_string("manifest", None, "CSV of that dataset.", required=True)
_CLIPS = 4


def main(arguments: Sequence[str]) -> None:
  del arguments
  from official.serving import saved_model

  saved_model.quieten()
  import tensorflow as tf

  from official.inputs import cache
  from official.inputs import clip_store
  from official.inputs import clip_values
  from official.inputs import clips
  from official.inputs import flow_source

  version = saved_model.Version(cli.resolve_path(_SAVED_MODEL.value))
  data_dir = cli.resolve_path(_DATA_DIR.value)
  size, side = version.clip["num_frames"], version.clip["image_size"]
  loaded = tf.saved_model.load(version.path)
  rows = {row.clip_id: row for row in rows_lib.read(cli.resolve_path(_MANIFEST.value))}
  print(f"{'split':<12}{'clips':>6}{'stored':>8}{'served':>8}{'disagree':>10}{'difference':>12}")
  for split in ("validation", "test"):
    store = clip_store.open_store(
      data_dir,
      split,
      image_size=side,
      cache_dir=cache.directory(data_dir, os.path.dirname(version.path)),
      flow=flow_source.mode_of(version.streams),
    )
    batches = clips.evaluation_clips(
      store,
      sorted(version.clip["streams"]),
      num_frames=size,
      image_size=side,
      global_batch_size=1,
      clips_per_video=_CLIPS,
    )
    stored, served, labels = [], [], []
    for video, (streams, _) in zip(store.videos, batches):
      answer = loaded.signatures["streams"](
        **{name: v[0] for name, v in clip_values.for_network(streams).items()}
      )
      stored.append(answer["probabilities"].numpy().mean(0))
      frames = _clips_of(rows[video.id], metadata.load(data_dir).fps, size)
      answer = loaded.signatures["serving_default"](frames=tf.constant(frames))
      served.append(answer["probabilities"].numpy().mean(0))
      labels.append(video.labels[0])
    one, other = np.argmax(stored, 1), np.argmax(served, 1)
    difference = np.abs(np.array(stored) - np.array(served)).mean()
    print(
      f"{split:<12}{len(labels):>6}{(one == labels).sum():>8}{(other == labels).sum():>8}"
      f"{(one != other).sum():>10}{difference:>12.4f}",
      flush=True,
    )


def _clips_of(row: rows_lib.Row, fps: float, size: int) -> np.ndarray:
  """Returns the clips that evaluation uses, uint8 [clips, size, height, width, 3]."""
  for clock in decoding.CLOCKS:
    try:
      timed = decoding.frames(row.location, clock=clock, start=row.start)
      grid = decoding.on_grid(timed, decoding.exact(fps), start=row.start, end=row.end)
      frames = [decoding.upright_rgb(frame) for frame in grid]
      break
    except decoding.ClockError:
      continue
  room = max(len(frames) - size, 0)
  firsts = [min(int(place * (room + 1)), room) for place in np.linspace(0, 1, _CLIPS)]
  frames += frames[-1:] * (size - len(frames))
  return np.stack([np.stack(frames[first : first + size]) for first in firsts])


if __name__ == "__main__":
  cli.run(main)
