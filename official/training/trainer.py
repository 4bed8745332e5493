"""The Model Garden trainer: reports its progress, measures its steps, stops when asked to."""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import tempfile
import time

from official.core import base_trainer
from official.core import train_lib
from official.modeling import optimization
import orbit
import tensorflow as tf

from official.training import checkpoints
from official.training import curve as curve_lib
from official.training import leaving as leaving_lib
from official.training import progress_file

_SECONDS_WITHOUT_A_LOOK = 5.0


class Trainer(base_trainer.Trainer):
  """`base_trainer.Trainer` that reports its phase and step.

  The graph is traced before the first step, seconds to minutes in which nothing is trained yet.
  Steps then run within TensorFlow, a loop of them in one call; where they are slow, in several, so
  that there is a look from outside every 5 seconds or every step. How steps are divided shows in
  no bit of what they compute.

  Of several processes that train together, each has a clock of its own and hears signals of its
  own, and a step ends only when all of them make it. So at every look they agree (`_agree`) on how
  many steps come next, and on whether to leave: one that made another number of steps in a call
  than the others, or left alone, would wait for ever, and they for it.
  """

  def __init__(
    self,
    config,
    task,
    model,
    optimizer,
    train: bool = True,
    *,
    report: Callable[..., None],
    stopwatch: progress_file.Stopwatch | None = None,
    **kwargs,
  ):
    """Makes the trainer.

    Args:
      config, task, model, optimizer, train, kwargs: As in the base class.
      report: Told the phase, the step and the steps in all, and loss and metrics of the last
        training batches.
      stopwatch: Measures the steps.
    """
    self._report = report
    self._stopwatch = stopwatch or progress_file.Stopwatch()
    self._leaving = leaving_lib.Leaving()
    self._save: Callable[[], object] = lambda: None
    self._note: Callable[[Mapping[str, float]], object] = lambda logs: None
    self._traced = False
    self._measured: dict[str, float] = {}
    self._at_once = 1
    super().__init__(config, task, model, optimizer, train, **kwargs)
    if train:
      _create_slots(optimizer, model)

  # No branch of these depends on values of tensors, and conversion takes as long as a few steps.
  train_step = tf.autograph.experimental.do_not_convert(base_trainer.Trainer.train_step)
  eval_step = tf.autograph.experimental.do_not_convert(base_trainer.Trainer.eval_step)

  def heed(self, leaving: leaving_lib.Leaving, save: Callable[[], object]) -> None:
    """From here on looks between two runs of steps whether to leave, having called `save`."""
    self._leaving, self._save = leaving, save

  def note(self, note: Callable[[Mapping[str, float]], object]) -> None:
    """From here on tells the means over every loop of steps."""
    self._note = note

  @property
  def averages(self) -> bool:
    """Whether it is the average of the weights that is evaluated."""
    return isinstance(self.optimizer, optimization.ExponentialMovingAverage)

  @contextlib.contextmanager
  def kept_weights(self) -> Iterator[None]:
    """Gives weights and their averages back to the bit, of one replica.

    An evaluation swaps the two by sums and differences, and twice that is nearly nothing only.
    """
    optimizer = self.optimizer
    weights = [*optimizer._average_weights, *optimizer._model_weights] if self.averages else []
    values = [weight.numpy() for weight in weights]
    yield
    for weight, value in zip(weights, values, strict=True):
      weight.assign(value)

  def leave_if_asked(self) -> None:
    """Saves and ends the process if SIGTERM came to it, or to one that trains with it.

    Those that train together have to call this at the same step.
    """
    if self._agree():
      self._leaving.leave()

  def _agree(self) -> bool:
    """Settles the steps of the next call, the mean of all wishes; returns whether to leave."""
    wish = tf.constant([self._leaving.asked, self._at_once], tf.float32)
    asked, steps = self.strategy.reduce(tf.distribute.ReduceOp.MEAN, wish, axis=None).numpy()
    self._at_once = int(steps)
    return asked > 0

  def _steps(self) -> dict[str, int]:
    return {"step": int(self.global_step.numpy()), "steps": self.config.trainer.train_steps}

  def train_loop_begin(self):
    self.leave_if_asked()
    if self._traced:
      self._report("training", **self._steps(), metrics=self._measured)
    else:
      self._report("tracing", **self._steps())
    super().train_loop_begin()

  def train_loop_end(self):
    logs = super().train_loop_end()
    measures = {"loss": self.train_loss.name} | {m.name: m.name for m in self.train_metrics}
    self._measured = {
      name: float(logs[key]) for name, key in measures.items() if tf.rank(logs[key]) == 0
    }
    self._report("training", **self._steps(), metrics=self._measured)
    self._note(self._measured)
    return logs

  def eval_begin(self):
    self._report("evaluating", **self._steps())
    super().eval_begin()

  def create_train_loop_fn(self):
    loop = super().create_train_loop_fn()

    def run(iterator, num_steps: tf.Tensor) -> None:
      if not self._traced:
        loop.get_concrete_function(iterator, num_steps)
        self._report("training", **self._steps())
        self._leaving.wait_for(self._save)
      left = int(num_steps)
      while True:
        count = min(left, self._at_once)
        start = time.monotonic()
        with self._stopwatch.steps(count, first=not self._traced):
          loop(iterator, tf.constant(count))
          self.global_step.numpy()  # waits for an accelerator
        self._traced = True
        self._at_once = max(1, int(_SECONDS_WITHOUT_A_LOOK * count / (time.monotonic() - start)))
        left -= count
        if not left or self._agree():
          return

    return run

  def create_eval_loop_fn(self, has_state: bool):
    step = tf.function(self.eval_step)
    first = True

    def timed(iterator):
      nonlocal first
      with self._stopwatch.steps(1, first=first):
        first = False
        return step(iterator)

    return orbit.utils.create_loop_fn(timed)


class Experiment(train_lib.OrbitExperimentRunner):
  """Trains up to the last step, then evaluates, whether or not there was anything left to train.

  The base class evaluates nothing when it resumes at the last step, and counts FLOPs by profiling a
  graph of its own. Of several processes only the chief resumes there.
  """

  _aside: tempfile.TemporaryDirectory | None = None
  curve: curve_lib.Curve | None = None

  def _maybe_build_checkpoint_manager(self) -> tf.train.CheckpointManager:
    """Returns the manager; of those who are not the chief, who write aside, one that reads his."""
    newest = checkpoints.newest(self.model_dir)
    if newest:
      remedy = f"restore it, or delete {self.model_dir} to have it trained from the start"
      checkpoints.check_fits(self.trainer.model, newest, remedy)
    if self.strategy.extended.should_checkpoint:
      return super()._maybe_build_checkpoint_manager()
    self._aside = tempfile.TemporaryDirectory()

    def begin() -> None:
      self.trainer.checkpoint.restore(newest) if newest else self.trainer.initialize()

    return tf.train.CheckpointManager(
      self.trainer.checkpoint,
      directory=self._aside.name,
      max_to_keep=1,
      step_counter=self.trainer.global_step,
      checkpoint_interval=self.params.trainer.checkpoint_interval,
      init_fn=begin,
    )

  def run(self):
    with self.strategy.scope():
      with leaving_lib.listening() as leaving:
        self.trainer.heed(leaving, self._save)
        if self.curve:
          self._train_with_points(self.curve)
        self.controller.train(steps=self.params.trainer.train_steps)
        self.trainer.leave_if_asked()
      logs = self.controller.evaluate(steps=-1)
      if self.curve:
        self.curve.add(self.params.trainer.train_steps, "validation", logs)
      return self.trainer.model, logs

  def _train_with_points(self, curve: curve_lib.Curve) -> None:
    """Trains up to the last validation point before the end, and writes the curve on the way."""
    task, steps = self.trainer.task, self.params.trainer
    data = task.task_config.validation_data
    begun = int(self.trainer.global_step.numpy())
    several = self.strategy.num_replicas_in_sync > 1
    curve.begin(begun, [m.name for m in task.spec.metrics if not m.on_request])
    self.trainer.note(lambda logs: curve.add(int(self.trainer.global_step.numpy()), "train", logs))
    for step in curve_lib.points(
      last_step=steps.train_steps,
      interval=steps.checkpoint_interval,
      batch_size=task.task_config.train_data.global_batch_size,
      clips=len(task.store(data).videos) * data.clips_per_video * data.crops_per_clip,
    ):
      if step > begun and not (several and self.trainer.averages):
        self.controller.train(steps=step, checkpoint_at_completion=False)
        with self.trainer.kept_weights():
          curve.add(step, "validation", self.controller.evaluate(steps=-1))

  def _save(self) -> None:
    """Writes a last checkpoint. A process that ends by a signal removes nothing any more."""
    self.controller.save_checkpoint()
    if self._aside is not None:
      self._aside.cleanup()


def _create_slots(optimizer: tf.keras.optimizers.legacy.Optimizer, model: tf.keras.Model) -> None:
  """Creates the optimizer's variables: a step that creates them is traced twice."""
  optimizer._create_all_weights(model.trainable_variables)
