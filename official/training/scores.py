"""Scores without training: what a network's first weights are said to tell of its quality.

    gradient_norm  sum over the kernels of ||dL/dw||           (Abdelfattah et al., ICLR 2021)
    snip           sum over the weights of kernels |w dL/dw|   (Lee et al., ICLR 2019)
    naswot         log |det K|, K[i, j] the number of activations that are positive in both of the
                   clips i and j or in neither                 (Mellor et al., ICML 2021)
    synflow        log of the sum over the weights of kernels |w dR/dw|, R the sum of the logits of
                   a clip of ones, where every weight of a kernel is replaced by its magnitude and
                   batch normalization is left out             (Tanaka et al., NeurIPS 2020)

Larger is said to be better. L is the loss of one batch of training clips. All are those of the
weights with which a training from scratch with that seed begins, but for the gains of batch
normalization that begin at 0 (residual.py): they count as 1, because no branch would pass anything
otherwise. Batch normalization takes the statistics of the batch.

A network of its own is built for them, in float32 and on the CPU, whatever the training has; the
training is not touched. R grows by a factor with every layer and would overflow: input and gradient
are scaled down by one factor, small enough that neither does.
"""

from collections.abc import Callable, Collection, Mapping
import math

import numpy as np
import tensorflow as tf

from official import layers
from official.inputs import clip_values
from official.layers import activity
from official.layers import batch_norm
from official.training import clip_task
from official.training import experiment
from official.training.config import Training
from official.training.score_names import SCORES

# Factors of input and gradient, the first that keeps R finite. Their product with R is a float32.
_SCALES = (1.0, 1e-12, 1e-24, 1e-36)


def measure(
  setup: Training, architecture: Mapping, seed: int, names: Collection[str] = SCORES
) -> dict[str, float | None]:
  """Returns the scores of a network, by name, sorted; None where one is not finite.

  It resets Keras' global state and random seeds, as building a network does.

  Args:
    setup: The training in question; its batch size is that of the scores.
    architecture: JSON of the architecture.
    seed: Seed of the training.
    names: Which scores.
  """
  config = experiment.configure(setup, architecture, seed)
  task = clip_task.ClipTask(config.task)  # Without a folder, so that clips are those of step 0.
  with tf.device("/CPU:0"):
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)
    with experiment.precision("float32"):
      model = task.build_model()
    streams, labels = next(iter(task.build_inputs(config.task.train_data)))
    return of_model(model, task.build_losses, clip_values.for_network(streams), labels, names)


def of_model(
  model: tf.keras.Model,
  loss: Callable[[Mapping[str, tf.Tensor], tf.Tensor], tf.Tensor],
  clips: Mapping[str, tf.Tensor],
  labels: Mapping[str, tf.Tensor],
  names: Collection[str] = SCORES,
) -> dict[str, float | None]:
  """Returns the scores of a network with the weights that it has; its weights are used up.

  Args:
    model: Streams -> logits.
    loss: (labels, logits) -> scalar.
    clips: Streams, [batch, time, height, width, channels].
    labels: Labels of the clips.
    names: Which scores.
  """
  for norm in _norms(model):
    if not norm.gamma.numpy().any():
      norm.gamma.assign(tf.ones_like(norm.gamma))
  found = {}
  if "naswot" in names:
    found["naswot"] = naswot(model, clips)
  if {"gradient_norm", "snip"} & set(names):
    found.update(_of_gradient(model, loss, clips, labels))
  if "synflow" in names:
    found["synflow"] = synflow(model)
  return {name: _finite(found[name]) for name in sorted(names)}


def naswot(model: tf.keras.Model, clips: Mapping[str, tf.Tensor]) -> float:
  """Returns log |det K|; -inf where two clips have the same activations."""
  with activity.watched() as outputs:
    model(clips, training=True)
  count = next(iter(clips.values())).shape[0]
  kernel = np.zeros((count, count))
  for output in outputs:  # Frames are folded into the batch, a clip's one after the other.
    positive = (output.numpy() > 0).reshape(count, -1).astype(np.float32)
    kernel += positive @ positive.T + (1 - positive) @ (1 - positive).T
  return float(np.linalg.slogdet(kernel)[1])


def _of_gradient(
  model: tf.keras.Model, loss: Callable, clips: Mapping, labels: Mapping
) -> dict[str, float]:
  """Returns the scores that one gradient of the loss has."""
  kernels = _kernels(model)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(kernels)
    value = loss(labels, model(clips, training=True))
  pairs = list(zip(kernels, _gradients(tape, value, kernels), strict=True))
  return {
    "gradient_norm": sum(float(np.linalg.norm(gradient)) for _, gradient in pairs),
    "snip": sum(float(np.abs(kernel.numpy() * gradient).sum()) for kernel, gradient in pairs),
  }


def synflow(model: tf.keras.Model) -> float:
  """Returns the log of the sum of |w dR/dw|; the kernels are their magnitudes afterwards."""
  kernels = _kernels(model)
  for kernel in kernels:
    kernel.assign(tf.abs(kernel))
  with batch_norm.without(model):
    for scale in _SCALES:
      clip = {
        name: tf.fill([1, *tensor.shape[1:]], tf.constant(scale, tensor.dtype))
        for name, tensor in model.input.items()
      }
      with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(kernels)
        scaled = scale * tf.reduce_sum(model(clip, training=False))
      if math.isfinite(float(scaled) / scale):
        gradients = _gradients(tape, scaled, kernels)
        total = sum(
          float((kernel.numpy().astype(np.float64) * gradient).sum())
          for kernel, gradient in zip(kernels, gradients, strict=True)
        )
        return math.log(total) - 2 * math.log(scale) if total > 0 else -math.inf
  return math.inf


def _gradients(
  tape: tf.GradientTape, value: tf.Tensor, kernels: list[tf.Variable]
) -> list[np.ndarray]:
  found = tape.gradient(value, kernels, unconnected_gradients=tf.UnconnectedGradients.ZERO)
  return [gradient.numpy().astype(np.float64) for gradient in found]


def _kernels(model: tf.keras.Model) -> list[tf.Variable]:
  return [variable for variable in model.variables if "kernel" in variable.name]


def _norms(model: tf.keras.Model) -> list[layers.BatchNorm]:
  return [module for module in model.submodules if isinstance(module, layers.BatchNorm)]


def _finite(value: float) -> float | None:
  return value if math.isfinite(value) else None
