"""Measures what children gain by their parents' weights: half of the steps against all of them.

    python -m official.evolve --data_dir=D --model_dir=RUN --algorithm=random_search \\
        --population_size=6 --rounds=0 --keep_checkpoints=6 --final_steps=1
    python -m tools.benchmarks.inheritance --data_dir=D --model_dir=RUN --out=OUT

The trained candidates of a run are parents, and each has children, drawn as in a search. Every
child is trained as the run's candidates were, from one seed, in the arms of --arms:

    inherit 1/2    with its parent's weights, half of the steps
    scratch 1      from random weights, all steps
    scratch 1/2    from random weights, half of the steps
    inherit 1      with its parent's weights, all steps

Printed for every arm are its mean accuracy and loss on the validation clips and its mean processor
time; then the mean difference to `scratch 1` of the same child, with a 95 % bootstrap interval for
which parents are drawn, because children of one parent are not independent. Learning rates decay to
0 over the steps of an arm. OUT keeps every training: after a kill the same command resumes, and
trains nothing twice. First children come first; the table is printed after each child that has
been trained in every arm of --arms.
"""

from collections.abc import Mapping
import os
import re
import time
from typing import Any

from absl import flags
import numpy as np

from data_prep.common import cli
from official.architecture import mutation
from official.architecture import serialization
from official.architecture import space as space_lib
from official.runs import json_files
from official.runs.run_directory import RunDirectory
from official.search import proposals
from tools.benchmarks import statistics_of_runs

# Whether the parent's weights are there, and the share of the steps.
ARMS = {
  "inherit 1/2": (True, 0.5),
  "scratch 1": (False, 1.0),
  "scratch 1/2": (False, 0.5),
  "inherit 1": (True, 1.0),
}
BASELINE = "scratch 1"
_METRICS = ("accuracy", "loss")
# Arm -> (parent, index of the child) -> value by metric.
Rows = Mapping[str, dict[tuple[int, int], Mapping[str, float]]]

_DATA_DIR = flags.DEFINE_string(
  "data_dir",
  None,
  "Folder made by data_prep.extract, on which the run was searched.",
  required=True,
)
_MODEL_DIR = flags.DEFINE_string(
  "model_dir",
  None,
  "Run directory of official.evolve, whose candidates are parents.",
  required=True,
)
_OUT = flags.DEFINE_string(
  "out", None, "Folder of all trainings; created or resumed.", required=True
)
_CHILDREN = flags.DEFINE_integer("children", 2, "Children of each parent.", lower_bound=1)
_ARMS = flags.DEFINE_list(
  "arms",
  ["inherit 1/2", BASELINE],
  f"Arms to train, of {', '.join(ARMS)}. More can be added later.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed.", lower_bound=0)


def main(arguments) -> None:
  del arguments
  for arm in _ARMS.value:
    if arm not in ARMS:
      raise cli.UserError(f"--arms={arm} is unknown; there are {', '.join(ARMS)}")
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  data_dir, out = cli.resolve_path(_DATA_DIR.value), cli.resolve_path(_OUT.value)
  run = RunDirectory(cli.resolve_path(_MODEL_DIR.value))
  children = {
    (parent, index): child
    for parent in _parents(run)
    for index, child in enumerate(_children(run, parent, data_dir))
  }
  rows: Rows = {arm: {} for arm in _ARMS.value}
  for parent, index in sorted(children, key=lambda each: each[1]):
    for arm in rows:
      folder = os.path.join(out, f"{parent:06d}_{index}", re.sub(r"\W", "_", arm))
      found = _trained(run, data_dir, folder, arm, parent, children[parent, index])
      rows[arm][parent, index] = found
    print(text(rows), flush=True)


def text(rows: Rows) -> str:
  """Returns the table of results, by arm, by (parent, index of the child) and by metric."""
  rows = {arm: found for arm, found in rows.items() if found}
  lines = [f"{'arm':<14}{'children':>9}{'accuracy':>10}{'loss':>8}{'processor s':>13}"]
  for arm, found in rows.items():
    accuracy, loss, seconds = (
      float(np.mean([each[name] for each in found.values()]))
      for name in (*_METRICS, "processor_seconds")
    )
    lines.append(f"{arm:<14}{len(found):>9}{accuracy:>10.3f}{loss:>8.3f}{seconds:>13.1f}")
  for arm, found in rows.items():
    if arm == BASELINE or BASELINE not in rows:
      continue
    for metric in _METRICS:
      ours, theirs = (
        {child: each[metric] for child, each in of.items()} for of in (found, rows[BASELINE])
      )
      by_parent: dict[int, list[float]] = {}
      for parent, index in sorted(set(ours) & set(theirs)):
        by_parent.setdefault(parent, []).append(ours[parent, index] - theirs[parent, index])
      means = [float(np.mean(each)) for each in by_parent.values()]
      interval = statistics_of_runs.mean_interval(means, seed=0)
      told = "" if interval is None else f"  [{interval[0]:+.3f}, {interval[1]:+.3f}]"
      lines.append(f"{arm} - {BASELINE}: {metric} {np.mean(means):+.3f}{told}")
  return "\n".join(lines)


def _parents(run: RunDirectory) -> list[int]:
  """Returns the numbers of the finished candidates that have weights."""
  import tensorflow as tf

  found = [
    number
    for number in range(run.count())
    if (result := run.read_result(number)) and result.status == "ok"
    if tf.train.latest_checkpoint(os.path.join(run.candidate_directory(number), "training"))
  ]
  if not found:
    raise cli.UserError(
      f"no candidate of {run.path} keeps its weights; give a run with a larger --keep_checkpoints"
    )
  return found


def _children(run: RunDirectory, parent: int, data_dir: str) -> list[mutation.Child]:
  """Returns the children of a parent, drawn as in a search of the run's space."""
  from data_prep.dataset import metadata
  from official.training import config

  recorded, trained = run.recorded(), run.read_result(parent)
  assert recorded is not None and trained is not None
  space: Any = recorded.identity["search_space"]
  setup = _setup(run, data_dir, 1)
  return [
    mutation.mutate(
      run.read_architecture(parent),
      proposals.connection_weights(trained.connection_weights or ()),
      space_lib.SearchSpace.from_json(space),
      np.random.default_rng([_SEED.value, parent, index]),
      clip=config.clip(setup, metadata.load(data_dir)),
    )
    for index in range(_CHILDREN.value)
  ]


def _setup(run: RunDirectory, data_dir: str, share: float):
  """Returns how the candidates of a run were trained, but for a share of the steps."""
  from official.inputs import cache
  from official.training import config

  recorded = run.recorded()
  assert recorded is not None
  steps: Any = recorded.identity["candidate_steps"]
  return config.restored(
    recorded.identity,
    train_steps=round(steps * share),
    data_dir=data_dir,
    cache_dir=cache.directory(data_dir, run.path),
    distribution_strategy="one_device",
  )


def _trained(
  run: RunDirectory, data_dir: str, folder: str, arm: str, parent: int, child: mutation.Child
) -> Mapping[str, float]:
  """Returns the metrics of a child that is trained in one arm, or was."""
  path = os.path.join(folder, "metrics.json")
  known = json_files.read_json(path, {}, "delete it")
  if known is not None:
    return known
  from official.training import candidate_trainer
  from official.training import checkpoints
  from official.training import experiment
  from official.training import inheritance

  inherits, share = ARMS[arm]
  os.makedirs(folder, exist_ok=True)
  checkpoint = checkpoints.newest(os.path.join(run.candidate_directory(parent), "training"))
  assert checkpoint is not None
  architecture = serialization.to_json(child.architecture)
  donor = inheritance.Parent(
    architecture=run.read_proposal(parent).architecture,
    operators=[operator.to_json() for operator in child.operators],
    checkpoint=checkpoint,
  )
  start = time.process_time()
  with candidate_trainer.printing_to(os.path.join(folder, "log.txt")):
    trained = experiment.train(
      _setup(run, data_dir, share),
      architecture,
      proposals.training_seed(_SEED.value, parent),
      os.path.join(folder, "training"),
      lambda *_, **__: None,
      first_weights=(lambda model: inheritance.apply(model, architecture, donor))
      if inherits
      else None,
    )
  metrics = {
    **{name: trained.metrics["validation"][name] for name in _METRICS},
    "processor_seconds": round(time.process_time() - start, 1),
  }
  json_files.write_json(path, metrics)
  return metrics


if __name__ == "__main__":
  cli.run(main)
