"""The Model Garden trainer, telling how far it is."""

from collections.abc import Callable

from official.core import base_trainer
from official.core import train_lib


class Trainer(base_trainer.Trainer):
  """`base_trainer.Trainer` that reports its phase and step.

  The first loop traces and compiles the graph, seconds to minutes in which nothing is trained yet.
  """

  def __init__(self, *args, report: Callable[..., None], **kwargs):
    self._report = report
    self._traced = False
    super().__init__(*args, **kwargs)

  def _steps(self) -> dict[str, int]:
    return {"step": int(self.global_step.numpy()), "steps": self.config.trainer.train_steps}

  def train_loop_begin(self):
    self._report("training" if self._traced else "tracing", **self._steps())
    super().train_loop_begin()

  def train_loop_end(self):
    self._traced = True
    self._report("training", **self._steps())
    return super().train_loop_end()

  def eval_begin(self):
    self._report("evaluating", **self._steps())
    super().eval_begin()


class Experiment(train_lib.OrbitExperimentRunner):
  """Trains up to the last step, then evaluates, whether or not there was anything left to train.

  The base class evaluates nothing when it resumes at the last step, and counts FLOPs by profiling a
  graph of its own.
  """

  def run(self):
    with self.strategy.scope():
      self.controller.train(steps=self.params.trainer.train_steps)
      return self.trainer.model, self.controller.evaluate(steps=-1)
