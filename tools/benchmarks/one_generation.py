"""Measures which guidance makes better children: one generation, everything else equal.

    python -m tools.benchmarks.one_generation --data_dir=D --model_dir=RUN --parents=8

Parents are random architectures of the search space, trained as candidates of a search are. Each
has children in five arms, trained from scratch:

    weights_0.5            connections stay whose learned weight is above 0.5
    weights_uniform        ... above a threshold drawn from U(0, 1) for each
    sensitivity_weakest    the third goes that the trained parent would miss least
    sensitivity_strongest  the third goes that it would miss most
    random                 a third goes at random: the baseline

Children of one parent and index have the same seeds in every arm, and mutate their connections
only, or, with --operators, their blocks too. RUN keeps every training; the same command resumes
after a kill and trains nothing twice. It may then ask for more --workers, for more --parents, or
for fewer, to see the numbers of those that are done.

Printed at the end are, for every arm,

children    that were trained to the end, and their mean fitness and validation loss
changed     mean number of connections that are there in child or parent, and not in both
as parent   children equal to their parent; they count like all others: retrained parents
infeasible  children whose training diverged, ran out of memory or failed; in no mean
impossible  children that the search space does not admit, or in 1000 draws did not; not trained

then the mean difference to the random child of the same pair with its 95 % bootstrap interval
(parents are drawn, then pairs within: children of one parent are not independent), and the
standard deviation of one parent trained from several seeds, which is how far chance alone moves a
child. An interval that leaves out 0 says that an arm differs from random, though one in twenty does
so by chance, and eight are printed; with fewer than some eight parents intervals are narrower than
they should be. --json has the same numbers.
"""

from collections.abc import Sequence
import json
import sys
from typing import Any

from absl import flags

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import space as space_lib
from official.inputs import usable
from official.runs import console as console_lib
from official.runs import driver
from official.runs import executors
from official.runs import fitness
from official.runs import run_directory
from official.search import application
from tools.benchmarks import generation
from tools.benchmarks import generation_statistics

_DATA_DIR = flags.DEFINE_string(
  "data_dir", None, "Folder made by data_prep.extract.", required=True
)
_MODEL_DIR = flags.DEFINE_string(
  "model_dir", None, "Folder of all trainings; created, or resumed.", required=True
)
_PARENTS = flags.DEFINE_integer(
  "parents", 8, "Random architectures. May be changed later.", lower_bound=1
)
_CHILDREN = flags.DEFINE_integer(
  "children", 2, "Children of each parent in each arm.", lower_bound=1
)
_RETRAININGS = flags.DEFINE_integer(
  "retrainings",
  2,
  "Trainings of each parent from other seeds, to measure the noise.",
  lower_bound=0,
)
_OPERATORS = flags.DEFINE_bool(
  "operators", False, "Children also split, merge and change blocks, as often as in a search."
)
_SPACE = flags.DEFINE_string("search_space", "small", "As in official.evolve.")
_FITNESS = flags.DEFINE_enum("fitness", fitness.DEFAULT, fitness.names(), "As in official.evolve.")
_SEED = flags.DEFINE_integer("seed", 0, "Random seed.", lower_bound=0)
_STEPS = flags.DEFINE_integer("candidate_steps", 200, "Steps of a training.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips per training step.", lower_bound=1)
_OPTIMIZER = flags.DEFINE_enum("optimizer", "sgd", ["sgd", "adamw"], "As in official.evolve.")
_LEARNING_RATE = flags.DEFINE_float(
  "learning_rate", 0.1, "Highest learning rate; 0.005 suits adamw."
)
_MULTIPLIER = flags.DEFINE_float(
  "connection_learning_rate_multiplier", 10.0, "K of sigmoid(K v); 50 suits adamw."
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 8, "Frames of a clip.", lower_bound=1)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Pixels of the square crop.", lower_bound=1)
_WORKERS = flags.DEFINE_integer(
  "workers", 1, "Trainings at a time, each in its own process. May be changed later.", lower_bound=1
)
_THREADS = flags.DEFINE_integer(
  "threads_per_candidate",
  None,
  "CPU threads of one operation; default: cores / workers.",
  lower_bound=1,
)
_JSON = flags.DEFINE_bool(
  "json", False, "Prints one JSON object, for programs; progress goes to standard error."
)

_PRELOAD = ("official.training.experiment",)


def main(arguments: Sequence[str]) -> int:
  del arguments
  for flag in (_LEARNING_RATE, _MULTIPLIER):
    cli.at_least(flag.name, flag.value, 0, exclusive=True)
  data_dir, model_dir = cli.resolve_path(_DATA_DIR.value), cli.resolve_path(_MODEL_DIR.value)
  info = metadata.load(data_dir)
  usable.check(info, data_dir, ["train", "validation"])
  plan = _plan(info)
  threads = application.threads(model_dir, _THREADS.value, _WORKERS.value)
  run = run_directory.RunDirectory(model_dir)
  operation = {"parents": plan.parents, "workers": _WORKERS.value}
  impossible: list[generation.Job] = []

  def train() -> None:
    with (
      run.opened(_identity(info, plan, threads), operation),
      console_lib.Console(lines=sys.stderr if _JSON.value else sys.stdout) as console,
      executors.make(
        "local", workers=_WORKERS.value, threads=threads, preload=_PRELOAD
      ) as executor,
    ):
      evaluator = _evaluator(data_dir, model_dir, threads)
      impossible.extend(generation.train(run, plan, evaluator, executor, console))

  status = driver.exit_status(train, f"nothing is lost, the same command resumes in {model_dir}")
  if status:
    return status
  trainings = generation_statistics.read(run, plan)
  numbers = generation_statistics.summary(trainings, impossible)
  if _JSON.value:
    print(json.dumps({"fitness": plan.fitness, **numbers}, indent=1))
  else:
    print(generation_statistics.text(numbers, plan.fitness))
  return 0


def _plan(info: metadata.DatasetInfo) -> generation.Plan:
  space = space_lib.load_space(_SPACE.value).restricted_to(info.streams)
  clip = cost.Clip(
    streams={name: stream.channels for name, stream in info.streams.items()},
    num_frames=_NUM_FRAMES.value,
    height=_IMAGE_SIZE.value,
    width=_IMAGE_SIZE.value,
    num_classes=len(info.classes),
  )
  return generation.Plan(
    parents=_PARENTS.value,
    children=_CHILDREN.value,
    retrainings=_RETRAININGS.value,
    seed=_SEED.value,
    space=space,
    clip=clip,
    max_operators=space.max_operators if _OPERATORS.value else 0,
    fitness=_FITNESS.value,
  )


def _identity(info: metadata.DatasetInfo, plan: generation.Plan, threads: int) -> dict[str, Any]:
  """Returns, by flag, the settings that decide the numbers of a folder."""
  decisive = (
    _CHILDREN,
    _RETRAININGS,
    _OPERATORS,
    _FITNESS,
    _SEED,
    _STEPS,
    _BATCH_SIZE,
    _OPTIMIZER,
    _LEARNING_RATE,
    _MULTIPLIER,
    _NUM_FRAMES,
    _IMAGE_SIZE,
  )
  return {
    "data_dir": info.fingerprint,
    "search_space": plan.space.to_json(),
    **{flag.name: flag.value for flag in decisive},
    "threads_per_candidate": threads,
  }


def _evaluator(data_dir: str, model_dir: str, threads: int):
  from official.inputs import cache
  from official.training import candidate_trainer
  from official.training import config

  return candidate_trainer.TrainingEvaluator(
    setup=config.of(
      data_dir=data_dir,
      cache_dir=cache.directory(data_dir, model_dir),
      num_frames=_NUM_FRAMES.value,
      image_size=_IMAGE_SIZE.value,
      train_steps=_STEPS.value,
      batch_size=_BATCH_SIZE.value,
      optimizer=_OPTIMIZER.value,
      learning_rate=_LEARNING_RATE.value,
      connection_learning_rate_multiplier=_MULTIPLIER.value,
      threads=threads,
    ),
    sensitivities=True,
  )


if __name__ == "__main__":
  cli.run(main)
