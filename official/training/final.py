"""The winner, trained to the end from scratch, evaluated on unseen data, and exported.

The test split is read here and nowhere else: validation clips chose the winner, so that their
accuracy flatters it. The report (report.py) is on the test split, on the validation split where
there is none.
"""

from collections.abc import Mapping
import dataclasses
import os
import time

from data_prep import dataset
from official.training import evaluator
from official.training import progress
from official.training import setup as setup_lib
from official.training.setup import Setup


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalTraining:
  """Called like an evaluator; leaves a SavedModel in `export_dir/<version>`.

  Attributes:
    setup: As in the search, with the number of steps and the recipe of the final training.
    export_dir: Base folder of the versions; None exports nothing (one of several, ensemble.py).
    training_dir: Where checkpoints are, if not in `training` in the folder of the call: processes
      that train together share them.
  """

  setup: Setup
  export_dir: str | None
  training_dir: str | None = None

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    """Returns what TrainingEvaluator does, `metrics` by split, and `export`, a folder.

    The report goes to `directory`, the weights alone, for fine-tuning, to `directory/weights`.
    """
    report = progress.Progress(directory)
    report("starting")
    start = time.monotonic()
    stopwatch = progress.Stopwatch()
    info = dataset.load(self.setup.data_dir)
    split = "test" if info.splits["test"].clips else "validation"
    with (
      evaluator.printing_to(os.path.join(directory, "log.txt")),
      evaluator.infeasible() as verdict,
    ):
      import tensorflow as tf

      from official.serving import export
      from official.training import experiment
      from official.training import report as report_lib  # imports matplotlib

      trained = experiment.train(
        self.setup,
        candidate["architecture"],
        candidate["seed"],
        self.training_dir or os.path.join(directory, "training"),
        report,
        also_evaluate=(split,),
        stopwatch=stopwatch,
      )
      verdict.update(
        evaluator.facts(trained, candidate["architecture"], self.setup), metrics=trained.metrics
      )
      if not info.multi_label:  # Of several labels, none is mistaken for another.
        report_lib.write(
          directory, split, info.classes, trained.metrics[split], trained.confusion[split]
        )
      tf.train.Checkpoint(model=trained.model).write(os.path.join(directory, setup_lib.WEIGHTS))
      if self.export_dir is not None:
        report("exporting")
        verdict["export"] = export.export(
          trained.model,
          self.export_dir,
          classes=info.classes,
          architecture=candidate["architecture"],
        )
    return {**verdict, "timing": evaluator.timing(start, stopwatch)}
