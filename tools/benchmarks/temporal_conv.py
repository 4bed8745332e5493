"""Measures three ways to compute a dilated temporal convolution on the CPU.

    python -m tools.benchmarks.temporal_conv

phases    official.layers.TemporalConv: a plain 2D convolution over regrouped frames
slices    the shifted clips joined by channels, times one matrix
products  a matrix product for every tap, added up

All three are timed in turn within every round, so that a machine whose speed drifts treats them
alike. Printed are the medians over the rounds, in ms, and the ratio to `phases`. That they compute
the same is checked first. docs/performance.md has a table.
"""

from collections.abc import Callable, Mapping, Sequence
import os
import statistics
import time

from absl import flags

from data_prep.common import cli

_ROUNDS = flags.DEFINE_integer("rounds", 30, "Rounds for every shape.", lower_bound=3)
_WARM_UP = 3
# [batch, time, height, width, channels], and frames between taps.
_CASES = (
  ((16, 8, 16, 16, 16), 1),
  ((16, 8, 16, 16, 64), 1),
  ((16, 8, 16, 16, 64), 4),
  ((16, 8, 8, 8, 32), 2),
)


def main(arguments: Sequence[str]) -> None:
  del arguments
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  import tensorflow as tf

  from official.layers import temporal_conv

  def shifted(clips: tf.Tensor, frames: int) -> list[tf.Tensor]:
    padded = tf.pad(clips, [[0, 0], [frames, frames], [0, 0], [0, 0], [0, 0]])
    return [padded[:, start : start + clips.shape[1]] for start in (0, frames, 2 * frames)]

  def slices(clips: tf.Tensor, kernel: tf.Tensor, frames: int) -> tf.Tensor:
    joined = tf.concat(shifted(clips, frames), axis=-1)
    return tf.matmul(joined, tf.reshape(kernel, [-1, kernel.shape[-1]]))

  def products(clips: tf.Tensor, kernel: tf.Tensor, frames: int) -> tf.Tensor:
    parts = enumerate(shifted(clips, frames))
    return tf.add_n([tf.matmul(part, kernel[tap]) for tap, part in parts])

  def with_gradients(function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> Callable:
    @tf.function
    def step(clips: tf.Tensor, kernel: tf.Tensor):
      with tf.GradientTape() as tape:
        tape.watch([clips, kernel])
        outputs = function(clips, kernel)
        loss = tf.reduce_sum(outputs * outputs)
      return outputs, tape.gradient(loss, [clips, kernel])

    return step

  print(f"{'clips':<24}{'dilation':>8}{'phases':>10}{'slices':>16}{'products':>16}")
  for shape, frames in _CASES:
    clips = tf.random.stateless_normal(shape, [0, 1])
    layer = temporal_conv.TemporalConv(shape[-1], 3, dilation=frames)
    layer.build(shape)
    kernel = tf.convert_to_tensor(layer.kernel)

    def phases(clips, kernel, layer=layer):
      layer.kernel = kernel
      return layer.call(clips)

    ways = {
      "phases": with_gradients(phases),
      "slices": with_gradients(lambda c, k, frames=frames: slices(c, k, frames)),
      "products": with_gradients(lambda c, k, frames=frames: products(c, k, frames)),
    }
    results = {name: step(clips, kernel) for name, step in ways.items()}
    for name in ("slices", "products"):
      tf.nest.map_structure(
        lambda one, other: tf.debugging.assert_near(one, other, rtol=1e-3, atol=1e-2),
        results[name],
        results["phases"],
      )
    _tell(shape, frames, _medians(ways, clips, kernel))


def _medians(ways: Mapping[str, Callable], *arguments) -> dict[str, float]:
  """Returns the median time of each way in ms, measured in turn."""
  times: dict[str, list[float]] = {name: [] for name in ways}
  for _ in range(_WARM_UP + _ROUNDS.value):
    for name, step in ways.items():
      start = time.perf_counter()
      outputs, gradients = step(*arguments)
      for result in (outputs, *gradients):
        result.numpy()
      times[name].append(time.perf_counter() - start)
  return {name: 1e3 * statistics.median(seconds[_WARM_UP:]) for name, seconds in times.items()}


def _tell(shape: Sequence[int], frames: int, medians: Mapping[str, float]) -> None:
  row = [
    f"{medians[name]:.1f} ({medians[name] / medians['phases']:.1f}x)"
    for name in ("slices", "products")
  ]
  print(
    f"{str(list(shape)):<24}{frames:>8}{medians['phases']:>10.1f}{row[0]:>16}{row[1]:>16}",
    flush=True,
  )


if __name__ == "__main__":
  cli.run(main)
