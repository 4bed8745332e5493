"""Writes what the hand-made networks of a study answer about every clip, small enough to commit.

    python -m tools.study.answers --study_dir=study --output=docs/study/avletters_answers.jsonl

A line is one training, {"arm", "seed", "validation": [...], "test": [...]}, with one number for
each clip in the order of the dataset: log(p / q), where p is the probability of the right class and
q the largest of the others. The answer is right where it is above 0. From these numbers
tools/benchmarks/selection_noise.py tells apart what architectures, seeds and clips contribute to an
accuracy.
"""

from collections.abc import Iterator, Mapping
import glob
import json
import os
from typing import Any

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.common import files

_STUDY_DIR = flags.DEFINE_string("study_dir", None, "Folder of the runs of a study.")
_OUTPUT = flags.DEFINE_string("output", None, "File to write.")

SPLITS = ("validation", "test")
_LEAST = 1e-4  # Probabilities below it count as it.


def main(_) -> int:
  for flag in (_STUDY_DIR, _OUTPUT):
    if not flag.value:
      raise cli.UserError(f"--{flag.name} is missing ({flags.FLAGS[flag.name].help})")
  study, output = cli.resolve_path(_STUDY_DIR.value), cli.resolve_path(_OUTPUT.value)
  folders = sorted(glob.glob(os.path.join(study, "runs", "hand_made", "*", "[0-9]*")))
  folders = [folder for folder in folders if os.path.isdir(folder)]
  if not folders:
    raise cli.UserError(f"--study_dir={study} has no hand-made networks; run tools.study.run first")
  lines = [_line(folder, os.path.join(study, "dataset")) for folder in folders]
  files.write_bytes(output, "".join(lines).encode())
  print(f"wrote the answers of {len(lines)} trainings to {output}")
  return 0


def _line(folder: str, data_dir: str) -> str:
  import tensorflow as tf

  with open(os.path.join(folder, "export", "1", "assets", "clip.json"), encoding="utf-8") as file:
    clip = json.load(file)
  model = tf.saved_model.load(os.path.join(folder, "export", "1"))
  values = {}
  for split in SPLITS:
    ratios = [_log_ratios(*batch) for batch in _answers(model, clip, data_dir, split)]
    values[split] = [round(float(value), 2) for value in np.concatenate(ratios)]
  arm, seed = folder.split(os.sep)[-2:]
  return json.dumps({"arm": arm, "seed": int(seed), **values}, separators=(",", ":")) + "\n"


def _answers(
  model: Any, clip: Mapping[str, Any], data_dir: str, split: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Yields probabilities [batch, classes] and the right classes [batch] of a split's clips."""
  import tensorflow as tf

  from official.inputs import clip_values
  from official.inputs import clips
  from official.training import clip_task

  answer = model.signatures["streams"]
  names = sorted(answer.structured_input_signature[1])
  size = {"num_frames": clip["num_frames"], "image_size": clip["image_size"]}
  data = clip_task.ClipData(data_dir=data_dir, split=split, is_training=False, **size)
  store = clip_task.ClipTask(clip_task.ClipTaskConfig()).store(data)
  for streams, labels in clips.evaluation_clips(store, names, global_batch_size=50, **size):
    views = next(iter(streams.values())).shape[1]
    folded = {name: tf.reshape(each, [-1, *each.shape[2:]]) for name, each in streams.items()}
    values = clip_values.for_network(folded)
    found = answer(**{name: tf.cast(values[name], tf.float32) for name in names})["probabilities"]
    counts = labels["weight"].numpy() > 0  # The last batch is padded.
    joined = found.numpy().reshape(-1, views, found.shape[-1]).mean(axis=1)
    yield joined[counts], labels["label"].numpy()[counts]


def _log_ratios(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
  rows = np.arange(len(labels))
  right, others = probabilities[rows, labels], probabilities.copy()
  others[rows, labels] = 0
  return np.log(np.maximum(right, _LEAST) / np.maximum(others.max(axis=1), _LEAST))


if __name__ == "__main__":
  cli.run(main)
