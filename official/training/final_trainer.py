"""The winner, trained to the end from scratch, evaluated on unseen data, and exported.

The test split is read here and nowhere else: validation clips chose the winner, so that their
accuracy flatters it. The report, which the task writes, is on the test split, on the validation
split where there is none.
"""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import os
import time
import typing

import numpy as np

from data_prep.common import shapes
from data_prep.dataset import degradation
from data_prep.dataset import metadata
from data_prep.dataset import stored_images
from official.tasks import baselines
from official.training import candidate_trainer
from official.training import config
from official.training import curve
from official.training import predictions
from official.training import progress_file
from official.training.config import Training

if typing.TYPE_CHECKING:
  import tensorflow as tf

  from official.serving import exporter


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalTraining:
  """Called like an evaluator; leaves a SavedModel in `export_dir/<version>`.

  Attributes:
    setup: As in the search, with the number of steps of the final training.
    export_dir: Base folder of the versions; None exports nothing (one of several, ensemble.py).
    training_dir: Where checkpoints are, if not in `training` in the folder of the call: processes
      that train together share them.
    outcome_dir: Where the report and the weights go, if not to the folder of the call.
    model_dir: Folder of the search, whose flags the model card tells.
    latency: Whether the time of one clip is measured, too.
  """

  setup: Training
  export_dir: str | None
  training_dir: str | None = None
  outcome_dir: str | None = None
  model_dir: str | None = None
  latency: bool = False

  def check(self) -> None:
    """Raises UserError unless the training can begin (evaluator.Check); it writes nothing."""
    candidate_trainer.Check(setup=self.setup).check()

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    """Returns what TrainingEvaluator does, `metrics` by split, and `export`, a folder.

    Report and predictions go to `outcome_dir`, the weights alone, for fine-tuning, to
    `outcome_dir/weights`.
    """
    outcome_dir = self.outcome_dir or directory
    report = progress_file.Progress(directory)
    report("starting")
    start = time.monotonic()
    stopwatch = progress_file.Stopwatch()
    info = metadata.load(self.setup.data.data_dir)
    split = "test" if info.splits["test"].clips else "validation"
    with (
      candidate_trainer.printing_to(os.path.join(directory, "log.txt")),
      candidate_trainer.infeasible() as verdict,
      _not_left_alone(verdict),
    ):
      import tensorflow as tf

      from official.training import experiment

      trained = experiment.train(
        self.setup,
        candidate["architecture"],
        candidate["seed"],
        self.training_dir or os.path.join(directory, "training"),
        report,
        also_evaluate=(split,),
        answers_of=tuple(dict.fromkeys(("validation", split))),
        stopwatch=stopwatch,
        curve=curve.Curve(os.path.join(outcome_dir, curve.FILE)),
      )
      verdict.update(
        candidate_trainer.facts(trained, candidate["architecture"], self.setup),
        **candidate_trainer.latency(trained, self.latency),
        metrics=trained.metrics,
        baselines=split_baselines(self.setup, info, trained.metrics),
      )
      task = config.task(self.setup)
      task.served().report(
        outcome_dir, split, task.names(info), trained.metrics[split], trained.looks[split]
      )
      predictions.write(outcome_dir, trained.answers, split, task, info)
      tf.train.Checkpoint(model=trained.model).write(os.path.join(outcome_dir, config.WEIGHTS))
      if self.export_dir is not None:
        report("exporting")
        verdict["export"] = export(
          trained.model,
          self.export_dir,
          self.setup,
          verdict,
          architectures=[candidate["architecture"]],
          candidates=[candidate["number"]] if "number" in candidate else [],
          seeds=[candidate["seed"]],
          steps=[self.setup.schedule.train_steps],
          model_dir=self.model_dir,
        )
    return {**verdict, "timing": candidate_trainer.timing(start, stopwatch)}


def split_baselines(
  setup: Training, info: metadata.DatasetInfo, splits: Mapping[str, object]
) -> dict[str, dict[str, object]]:
  """Returns, by split, what a share of right answers is compared with, as plain data."""
  return baselines.to_json(baselines.of_splits(config.task(setup), info, splits))


@contextlib.contextmanager
def _not_left_alone(verdict: dict) -> Iterator[None]:
  """Turns the loss of a process of a distributed training, which TensorFlow sees by missing
  heartbeats and broken connections, into a failed result."""
  import tensorflow as tf

  try:
    yield
  except tf.errors.OpError as error:
    _, aborted, why = error.message.partition("Collective ops is aborted by: ")
    if not aborted:
      raise
    verdict.update(
      status="failed",
      reason="another process of this training has ended or does not answer "
      f"({why.splitlines()[0]:.120}); start all of them again to go on from the newest checkpoint",
    )


def export(
  model: "tf.keras.Model | exporter.Ensemble",
  export_dir: str,
  setup: Training,
  found: Mapping,
  *,
  architectures: Sequence[Mapping],
  candidates: Sequence[int],
  seeds: Sequence[int],
  steps: Sequence[int],
  model_dir: str | None,
) -> str:
  """Writes the next version of a SavedModel; returns its folder.

  Args:
    model: What is served.
    export_dir: Base folder of the versions.
    setup: How it was trained.
    found: `metrics`, `baselines`, `params` and `multiply_adds`, as far as they are known.
    architectures, candidates, seeds, steps: JSON, number in the search, random seed and training
      steps of each member; no numbers if there was no search.
    model_dir: Folder of the search, if there was one.
  """
  from official.serving import exporter  # imports TensorFlow

  data = setup.data
  return exporter.export(
    model,
    export_dir,
    info=metadata.load(data.data_dir),
    task=config.task(setup),
    flow=data.flow,
    degrade=data.degrade,
    clip=_first_clip(data),
    architectures=architectures,
    facts={
      **{
        name: found[name]
        for name in ("metrics", "baselines", "params", "multiply_adds")
        if name in found
      },
      "candidates": list(candidates),
      **origin(setup, seeds=seeds, steps=steps, model_dir=model_dir),
    },
  )


def _first_clip(data: config.Data) -> Sequence[bytes]:
  """Returns a clip to warm up with; a degraded square of it where frames are restored."""
  from official.serving import warm_up  # imports TensorFlow

  encoded = warm_up.first_clip(data.data_dir, data.num_frames)
  if not data.degrade:
    return encoded
  frames = warm_up.decode(encoded)
  top, left = ((side - data.image_size) // 2 for side in frames.shape[1:3])
  square = frames[:, top : top + data.image_size, left : left + data.image_size]
  seen = degradation.parse(data.degrade).apply(np.ascontiguousarray(square))
  return [stored_images.encode(frame, "png") for frame in seen]


def origin(
  setup: Training, *, seeds: Sequence[int], steps: Sequence[int], model_dir: str | None
) -> dict[str, dict[str, object]]:
  """Returns what a model card tells of where a network comes from: `training` and `search`.

  Args:
    setup: How its members were trained, but for what the search records of hardware.
    seeds: Random seed of each member.
    steps: Training steps of each member.
    model_dir: Folder of the search, if there was one.
  """
  searched = search_flags(model_dir)
  told = config.card(setup)
  training = {name: searched.pop(name, value) for name, value in told.items()}
  training["train_steps"] = _one_or_all(steps)
  training["seed"] = _one_or_all(seeds)
  return {"training": training, "search": searched}


def _one_or_all(values: Sequence[int]) -> int | str:
  """Returns the number that all are, or all of them as a text."""
  return values[0] if len(set(values)) == 1 else ", ".join(map(str, values))


def search_flags(model_dir: str | None) -> dict[str, object]:
  """Returns the flags of a search that fit on a line, from its search.json; none without one."""
  path = os.path.join(model_dir or "", "search.json")
  if not model_dir or not os.path.exists(path):
    return {}
  with open(path, "rb") as file:
    content = file.read()
  shape = {"identity": {str: object}}
  identity = shapes.parse(content, shape, path, "restore it, or give another --model_dir")[
    "identity"
  ]
  return {name: value for name, value in identity.items() if not isinstance(value, dict | list)}
