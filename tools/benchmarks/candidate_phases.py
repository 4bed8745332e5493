"""Measures the processor time of a candidate by phase: what it costs besides its steps.

    python -m tools.benchmarks.candidate_phases --data_dir=DATASET --candidates=4

Random architectures of a space are trained as a search would train them, each in a process forked
from this one, which has imported TensorFlow. Every one is trained twice, for one step and for
--steps; the difference is that of the steps alone. Processor time depends less on what else the
machine does than seconds do, but a busy machine still makes it longer.

    building      the network and the optimizer's variables
    tracing       the training step
    training      its first call, which optimises the graph; its steps; checkpoints
    evaluating    the same of the evaluation, and the validation clips
    rest          start, decoding of videos that are not cached, results
    per step      (total of --steps - total of one step) / (--steps - 1)
    overhead      all of the shorter training but its one step; the validation clips are in it
"""

from collections.abc import Callable, Mapping
import json
import os
import tempfile
import time

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture import space as space_lib
from official.training import config
from official.training.config import resolution

_DATA = flags.DEFINE_string("data_dir", None, "Folder made by data_prep.extract.", required=True)
_SPACE = flags.DEFINE_string("search_space", "small", "As in official.evolve.")
_CANDIDATES = flags.DEFINE_integer("candidates", 4, "Architectures to train.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 41, "Steps of the longer training.", lower_bound=2)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of architectures and trainings.")

PHASES = ("building", "tracing", "training", "evaluating", "rest")


class Phases:
  """Adds up processor seconds by phase; called in the place of a training's progress.

  Attributes:
    seconds: By phase.
  """

  def __init__(self, clock: Callable[[], float] = time.process_time):
    self._clock = clock
    self._phase, self._since = "rest", clock()
    self.seconds = dict.fromkeys(PHASES, 0.0)

  def __call__(self, phase: str, *numbers: object, **named: object) -> None:
    """A phase begins, and the one before it has ended."""
    del numbers, named
    now = self._clock()
    self.seconds[self._phase] += now - self._since
    self._phase, self._since = (phase if phase in PHASES else "rest"), now


def main(arguments) -> None:
  del arguments
  data = cli.resolve_path(_DATA.value)
  training = config.replace(config.Training(), data_dir=data, threads=1, num_gpus=0)
  there = resolution.streams(training, metadata.load(data))
  space = space_lib.load_space(_SPACE.value)
  if missing := set(space.streams) - set(there):
    raise cli.UserError(
      f"--search_space={_SPACE.value} reads {', '.join(sorted(missing))}, which "
      f"--data_dir={data} lacks"
    )
  from official.training import experiment  # imports TensorFlow, which the forks then have

  del experiment
  short, long = [], []
  for index in range(_CANDIDATES.value):
    drawn = random_generation.random_architecture(
      space, np.random.default_rng([_SEED.value, index])
    )
    architecture = serialization.to_json(drawn)
    short.append(_in_a_fork(training, architecture, 1))
    long.append(_in_a_fork(training, architecture, _STEPS.value))
    print(f"candidate {index}: {_row(short[-1])}", flush=True)
  print(table(short, long, _STEPS.value))


def table(short: list[dict[str, float]], long: list[dict[str, float]], steps: int) -> str:
  """Returns the means for people.

  Args:
    short, long: Processor seconds by phase of trainings of one step, and of `steps`.
    steps: Those of the longer ones.
  """
  totals = np.array([[sum(one.values()) for one in ones] for ones in (short, long)])
  step = (totals[1] - totals[0]) / (steps - 1)
  mean = {phase: float(np.mean([one[phase] for one in short])) for phase in PHASES}
  return "\n".join(
    [
      "| " + " | ".join([*PHASES, "per step", "overhead"]) + " |",
      "|" + "---|" * (len(PHASES) + 2),
      "| "
      + " | ".join(f"{mean[phase]:.2f}" for phase in PHASES)
      + f" | {step.mean():.3f} | {(totals[0] - step).mean():.2f} |",
    ]
  )


def _row(seconds: Mapping[str, float]) -> str:
  return ", ".join(f"{phase} {value:.2f} s" for phase, value in seconds.items())


def _in_a_fork(training: config.Training, architecture: Mapping, steps: int) -> dict[str, float]:
  """Returns processor seconds by phase of a training in a process of its own."""
  reading, writing = os.pipe()
  child = os.fork()
  if not child:
    status = 1
    try:
      os.close(reading)
      os.write(writing, json.dumps(_train(training, architecture, steps)).encode())
      status = 0
    finally:
      os._exit(status)
  os.close(writing)
  with os.fdopen(reading, encoding="utf-8") as file:
    told = file.read()
  _, status = os.waitpid(child, 0)
  if status:
    raise cli.UserError("a training failed; the lines above say why")
  return json.loads(told)


def _train(training: config.Training, architecture: Mapping, steps: int) -> dict[str, float]:
  from official.training import candidate_trainer
  from official.training import experiment

  phases = Phases()
  setup = config.replace(training, train_steps=steps)
  with (
    tempfile.TemporaryDirectory() as folder,
    candidate_trainer.printing_to(os.path.join(folder, "log.txt")),
  ):
    experiment.train(setup, architecture, _SEED.value, os.path.join(folder, "training"), phases)
    phases("rest")
  return phases.seconds


if __name__ == "__main__":
  cli.run(main)
