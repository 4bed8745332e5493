"""Loads a SavedModel and prints what it says of a few clips of a prepared dataset.

    python -m tools.show_predictions --saved_model=M/export/1 --data_dir=D

Clips come from the test split, or from validation where there are no test clips, spread over the
classes; the network sees their middle frames.
"""

from collections.abc import Sequence
import json
import os
import sys

from absl import flags

from data_prep.common import cli
from data_prep.dataset import metadata
from official.inputs import flow_source
from official.serving import saved_model as saved_model_lib

_SAVED_MODEL = flags.DEFINE_string(
  "saved_model", None, "Folder of one exported version, such as M/export/1.", required=True
)
_DATA_DIR = flags.DEFINE_string(
  "data_dir", None, "Dataset folder made by data_prep.extract.", required=True
)
_CLIPS = flags.DEFINE_integer("clips", 2, "How many clips to show.", lower_bound=1)


def main(arguments: Sequence[str]) -> None:
  del arguments
  saved_model = cli.plain_path("saved_model", _SAVED_MODEL.value)
  data_dir = cli.resolve_path(_DATA_DIR.value)
  version = saved_model_lib.Version(saved_model)
  info = metadata.load(data_dir)
  split = "test" if info.splits["test"].clips else "validation"

  print(f"loading {saved_model}", file=sys.stderr, flush=True)
  saved_model_lib.quieten()
  import tensorflow as tf

  from official.inputs import cache
  from official.inputs import clip_store
  from official.inputs import clip_values
  from official.inputs import clips

  predict = tf.saved_model.load(saved_model).signatures["streams"]
  specs = predict.structured_input_signature[1]
  shape = next(iter(specs.values())).shape
  store = clip_store.open_store(
    data_dir,
    split,
    image_size=shape[2],
    cache_dir=cache.directory(data_dir, os.path.dirname(saved_model)),
    flow=flow_source.mode_of(version.streams),
  )
  batches = clips.evaluation_clips(
    store, sorted(specs), num_frames=shape[1], image_size=shape[2], global_batch_size=1
  )
  by_class = sorted(zip(store.videos, batches), key=lambda clip: (clip[0].labels, clip[0].id))
  step = max(1, len(by_class) // _CLIPS.value)
  for video, (streams, _) in by_class[::step][: _CLIPS.value]:
    outputs = predict(
      **{name: values[0] for name, values in clip_values.for_network(streams).items()}
    )
    best = [
      (name.decode(), round(float(score), 3))
      for name, score in zip(outputs["classes"].numpy()[0], outputs["scores"].numpy()[0])
    ]
    print(
      json.dumps(
        {
          "clip": video.id,
          "split": split,
          "label": ";".join(info.classes[label] for label in video.labels),
          "predictions": dict(best[:3]),
        }
      )
    )


if __name__ == "__main__":
  cli.run(main)
