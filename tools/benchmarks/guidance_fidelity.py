"""Measures how well connection weights and sensitivities predict the cost of cutting a connection.

    python -m official.evolve --data_dir=D --model_dir=RUN --algorithm=random_search \\
        --population_size=8 --rounds=0 --keep_checkpoints=8
    python -m tools.benchmarks.guidance_fidelity --data_dir=D --model_dir=RUN

A guidance keeps what looks important. Here every connection that may go is really cut, one at a
time, in the trained candidates of a run, and the loss measured again.

    weight        sigmoid(K v), what the guidance `connection_weights` looks at
    sensitivity   from gradients on every second validation video, as the guidance `sensitivity` has
    loss increase of a cut, on the other validation videos, which the gradients never saw

Printed for every network is the Spearman rank correlation of weight, and of sensitivity, with the
loss increase (1: the same order; 0: no relation), then the mean over the networks with its 95 %
bootstrap interval over networks, and the same for the difference. An interval of the difference
that leaves out 0 says which predicts better. Few validation clips make it wide; below some eight
networks it is narrower than it should be, for a bootstrap cannot draw what it has not seen.

A search keeps the weights of its best candidates only, as many as --keep_checkpoints; candidates
without are skipped. A random search has candidates that are not chosen by what is measured here.
"""

from collections.abc import Callable, Iterator, Mapping
import math
import os
from typing import Any
import warnings

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import metadata
from tools.benchmarks import statistics_of_runs

_DATA_DIR = flags.DEFINE_string(
  "data_dir",
  None,
  "Folder made by data_prep.extract, on which the run was searched.",
  required=True,
)
_MODEL_DIR = flags.DEFINE_string(
  "model_dir", None, "Run directory of official.evolve.", required=True
)

# Clips of a video on which a cut is measured: as many as an evaluation takes.
_CLIPS_PER_VIDEO = 4
_LEAST_CONNECTIONS = 4


def main(arguments) -> None:
  del arguments
  data_dir = cli.resolve_path(_DATA_DIR.value)
  info = metadata.load(data_dir)
  if info.splits["validation"].clips < 2:
    raise cli.UserError(
      f"--data_dir={data_dir} has {info.splits['validation'].clips} validation "
      "clips; half of them measure the cuts, so give a dataset of more"
    )
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  warnings.simplefilter("ignore", FutureWarning)
  print(f"{'network':<10}{'connections':>12}{'weight':>10}{'sensitivity':>13}", flush=True)
  rows = []
  for name, architecture, model, task in _networks(data_dir, info):
    weights, sensitivities, increases = _facts(architecture, model, task)
    if len(increases) < _LEAST_CONNECTIONS:
      print(f"{name:<10}{len(increases):>12}  skipped: too few that may go", flush=True)
      continue
    row = [statistics_of_runs.spearman(values, increases) for values in (weights, sensitivities)]
    print(f"{name:<10}{len(increases):>12}{row[0]:>10.3f}{row[1]:>13.3f}", flush=True)
    if all(map(math.isfinite, row)):
      rows.append(row)
  if not rows:
    raise cli.UserError(
      "no network could be measured; give a run whose candidates keep "
      " their checkpoints (--keep_checkpoints of official.evolve)"
    )
  of_weight, of_sensitivity = np.array(rows).T
  for name, values in (
    ("weight", of_weight),
    ("sensitivity", of_sensitivity),
    ("sensitivity - weight", of_sensitivity - of_weight),
  ):
    low, high = statistics_of_runs.mean_interval(values, seed=0) or (math.nan, math.nan)
    print(f"mean of {name:<21}{values.mean():>7.3f}  [{low:.3f}, {high:.3f}]")


def _networks(data_dir: str, info: metadata.DatasetInfo) -> Iterator[tuple]:
  """Yields name, architecture, network and task of the candidates that have checkpoints."""
  import tensorflow as tf

  from official.runs import run_directory

  run = run_directory.RunDirectory(cli.resolve_path(_MODEL_DIR.value))
  recorded = run.recorded()
  if recorded is None:
    raise cli.UserError(
      f"--model_dir={run.path} holds no search.json; name a run directory of official.evolve"
    )
  identity = recorded.identity
  if identity["data_dir"] != info.fingerprint:
    raise cli.UserError(
      f"{run.path} was searched on another dataset than --data_dir={data_dir}; "
      "give the one it was searched on"
    )
  settings = _setup(data_dir, identity)
  for number in range(run.count()):
    candidate = run.read_proposal(number)
    checkpoint = tf.train.latest_checkpoint(
      os.path.join(run.candidate_directory(number), "training")
    )
    if run.read_result(number) is None or checkpoint is None:
      continue
    model, task = _built(settings, candidate.architecture, candidate.seed)
    tf.train.Checkpoint(model=model).restore(
      checkpoint
    ).assert_existing_objects_matched().expect_partial()
    yield f"{number:06d}", candidate.architecture, model, task


def _setup(data_dir: str, identity: Mapping[str, Any]):
  """Returns how the candidates of a run were trained."""
  from official.inputs import cache
  from official.training import config

  return config.restored(
    identity,
    train_steps=identity["candidate_steps"],
    data_dir=data_dir,
    cache_dir=cache.directory(data_dir, cli.resolve_path(_MODEL_DIR.value)),
    distribution_strategy="one_device",
  )


def _task(settings, architecture: dict, seed: int):
  from official.training import clip_task
  from official.training import experiment

  return clip_task.ClipTask(experiment.configure(settings, architecture, seed).task)


def _built(settings, architecture: dict, seed: int) -> tuple:
  import tensorflow as tf

  tf.keras.backend.clear_session()
  task = _task(settings, architecture, seed)
  return task.build_model(), task


def _facts(architecture: dict, model, task) -> tuple[list[float], list[float], list[float]]:
  """Returns weight, sensitivity and loss increase of the prunable connections, in one order."""
  from official import network
  from official.architecture import guidance
  from official.architecture import serialization
  from official.training import connection_sensitivity

  seen = _half(task, clips_per_video=1, odd=False, batch_size=connection_sensitivity.BATCH_SIZE)
  unseen = _half(task, clips_per_video=_CLIPS_PER_VIDEO, odd=True, batch_size=None)
  weights = network.connection_weights(model)
  sensitivities = connection_sensitivity.measure(model, task, seen)
  increases = _loss_increases(model, task, unseen, list(weights))
  decoded = serialization.from_json(architecture)
  prunable = [
    (connection.source, connection.target)
    for connection in guidance.Facts(architecture=decoded, weights={}).prunable()
  ]
  return tuple(
    [values[ends] for ends in prunable] for values in (weights, sensitivities, increases)
  )


def _half(task, *, clips_per_video: int, odd: bool, batch_size: int | None) -> list[tuple]:
  """Returns every second validation video in batches; all in one where the size is None."""
  data = task.task_config.validation_data.replace(
    clips_per_video=clips_per_video, global_batch_size=1
  )
  videos = task.build_inputs(data).shard(2, int(odd)).unbatch()
  return list(videos.batch(batch_size or int(videos.reduce(0, lambda count, _: count + 1))))


def _loss_increases(
  model, task, batches: list[tuple], connections: list[tuple[str, str]]
) -> dict[tuple[str, str], float]:
  """Returns how much the loss grows when one connection is cut and the others stay."""
  import tensorflow as tf

  from official.training import connection_sensitivity

  ((streams, labels),) = batches
  loss: Callable = tf.function(
    lambda gates: connection_sensitivity.loss(model, task, streams, labels, gates), autograph=False
  )
  whole = np.ones(len(connections), np.float32)
  before = float(loss(tf.constant(whole)))
  increases = {}
  for position, ends in enumerate(connections):
    gates = whole.copy()
    gates[position] = 0.0
    increases[ends] = float(loss(tf.constant(gates))) - before
  return increases


if __name__ == "__main__":
  cli.run(main)
