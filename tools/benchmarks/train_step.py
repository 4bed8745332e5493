"""Measures a training step of a network against its bare convolutions and matrix products.

    python -m tools.benchmarks.train_step
    python -m tools.benchmarks.train_step --architecture=small.json --size=32 --batch_size=16

The *step* is forward, backward and the update of SGD with momentum, as official.training runs it,
on clips that are given. The *floor* is a graph of all convolutions and matrix products of that
step, read off its graph: outcomes, gradients of kernels, gradients of inputs. A matrix product and
a 1x1 convolution are the same thing: either is computed in the way that was fastest alone for its
very shape. What the step takes above the floor goes into batch normalization, activations, pooling,
weighted sums and the update.

Steps and floors are timed in turn, so that a machine whose speed drifts treats them alike. Printed
are seconds to build and of the first step, peak memory of the process up to then, medians and the
median ratio, and, which other work on the machine disturbs least, the fastest of each and the ratio
of processor time.
docs/performance.md has figures.
"""

from collections.abc import Callable, Sequence
import os
import resource
import statistics
import time

from absl import flags

from data_prep.common import cli
from official.architecture import cost
from official.architecture import sources

_ARCHITECTURE = flags.DEFINE_string(
  "architecture", "assemblenet-50", "A published network by name, or a JSON file."
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 8, "Frames of a clip.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 112, "Height and width of a clip.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Clips per training step.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Steps and floors to time.", lower_bound=3)
_CHECKPOINTING = flags.DEFINE_bool(
  "gradient_checkpointing",
  False,
  "Computes blocks again in the backward pass, for memory; the "
  "floor has what is computed twice in it twice.",
)
_STREAMS = {"rgb": 3, "flow": 2}
_CLASSES = 339
_TRIALS = 5
# Operations that multiply: the names of their operands, and of their settings.
_OPERANDS = {
  "Conv2D": ("input", "filter"),
  "Conv2DBackpropFilter": ("input", "filter_sizes", "out_backprop"),
  "Conv2DBackpropInput": ("input_sizes", "filter", "out_backprop"),
  "MatMul": ("a", "b"),
}
_ATTRIBUTES = {name: ("strides", "padding", "data_format", "dilations") for name in _OPERANDS} | {
  "MatMul": ("transpose_a", "transpose_b")
}


def main(arguments: Sequence[str]) -> None:
  del arguments
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  import tensorflow as tf

  weighted = sources.load(_ARCHITECTURE.value)
  clip = cost.Clip(
    streams=_STREAMS,
    num_frames=_NUM_FRAMES.value,
    height=_SIZE.value,
    width=_SIZE.value,
    num_classes=_CLASSES,
  )
  giga = 2 * 3e-9 * cost.multiply_adds(weighted.architecture, clip) * _BATCH_SIZE.value
  print(
    f"{_ARCHITECTURE.value}: {_BATCH_SIZE.value} x {clip.num_frames} frames of {clip.height}x"
    f"{clip.width}, {giga:.1f} GFLOP a step",
    flush=True,
  )

  start = time.perf_counter()
  step = _Step(tf, weighted, clip)
  built = time.perf_counter()
  step()
  first = time.perf_counter()
  print(f"build {built - start:.1f} s, first step {first - built:.1f} s", flush=True)
  for _ in range(3):
    step()
  peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
  print(f"peak memory of the process {peak:.2f} GB", flush=True)

  floor = _floor(tf, step.products)
  floor()
  times: dict[Callable, list[float]] = {step: [], floor: []}
  processor: dict[Callable, list[float]] = {step: [], floor: []}
  for _ in range(_ROUNDS.value):
    for each, seconds in times.items():
      start, started = time.perf_counter(), time.process_time()
      each()
      seconds.append(time.perf_counter() - start)
      processor[each].append(time.process_time() - started)
  ours, least = times.values()
  ratio = statistics.median(one / other for one, other in zip(ours, least, strict=True))
  print(
    f"step {1e3 * statistics.median(ours):.0f} ms (fastest {1e3 * min(ours):.0f}), floor "
    f"{1e3 * statistics.median(least):.0f} ms (fastest {1e3 * min(least):.0f}), ratio "
    f"{ratio:.2f} (of the fastest {min(ours) / min(least):.2f}, of processor time "
    f"{statistics.median(processor[step]) / statistics.median(processor[floor]):.2f})"
  )


class _Step:
  """A training step of a network: calling it waits for its outcome."""

  def __init__(self, tf, weighted, clip: cost.Clip):
    from official import network
    from official.layers import checkpointing

    model = network.build_network(
      weighted.architecture,
      connection_weights=weighted.connection_weights,
      streams=clip.streams,
      num_frames=clip.num_frames,
      height=clip.height,
      width=clip.width,
      num_classes=clip.num_classes,
    )
    optimizer = tf.keras.optimizers.legacy.SGD(0.01, momentum=0.9, nesterov=True)
    optimizer._create_all_weights(model.trainable_variables)
    shape = [_BATCH_SIZE.value, clip.num_frames, clip.height, clip.width]
    clips = {
      name: tf.random.stateless_normal([*shape, channels], [0, channels])
      for name, channels in clip.streams.items()
      if name in weighted.architecture.streams
    }
    self._inputs = clips, tf.zeros([_BATCH_SIZE.value], tf.int32)

    @tf.function
    def train(clips, labels):
      with tf.GradientTape() as tape, checkpointing.blocks(_CHECKPOINTING.value):
        loss = tf.reduce_mean(
          tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(clips, training=True))
        )
      gradients = tape.gradient(loss, model.trainable_variables)
      optimizer.apply_gradients(zip(gradients, model.trainable_variables))
      return loss

    self._train = train

  def __call__(self) -> None:
    self._train(*self._inputs).numpy()

  @property
  def products(self) -> list:
    """The operations of its graph that multiply and whose outcome is needed."""
    graph = self._train.get_concrete_function(*self._inputs).graph
    needed, queue = set(), [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    while queue:
      operation = queue.pop()
      if operation not in needed:
        needed.add(operation)
        queue += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return [
      operation
      for operation in graph.get_operations()
      if operation in needed and operation.type in _OPERANDS
    ]


def _floor(tf, products: Sequence) -> Callable[[], None]:
  """Returns all products in one graph, each in its fastest way."""
  parts, fastest = [], {}
  for number, product in enumerate(products):
    operands = [_operand(tf, product, tensor, number) for tensor in product.inputs]
    ways = _ways(tf, product)
    shape = (product.type, *(tuple(tensor.shape) for tensor in (*product.inputs, *product.outputs)))
    if shape not in fastest:
      fastest[shape] = _fastest(tf, ways, operands)
    parts.append((ways[fastest[shape]], operands))

  @tf.function
  def run():
    # A number of each outcome is enough to have it computed.
    return tf.add_n([tf.reshape(way(*operands), [-1])[0] for way, operands in parts])

  return lambda: run().numpy()


def _operand(tf, product, tensor, number: int):
  """Random numbers of an operand's shape, or the shape of the outcome where that is one."""
  if tensor.dtype == tf.int32:
    return tf.constant(product.outputs[0].shape)
  return tf.Variable(tf.random.stateless_normal(tensor.shape, [number, 0]))


def _ways(tf, product) -> list[Callable]:
  """Returns the ways to compute a product: as it is and, for 1x1, the other way."""
  settings = {name: product.get_attr(name) for name in _ATTRIBUTES[product.type]}
  raw = getattr(tf.raw_ops, product.type)
  names = _OPERANDS[product.type]
  ways = [lambda *operands: raw(**dict(zip(names, operands, strict=True)), **settings)]
  if product.type == "MatMul":
    return ways if all(settings.values()) else ways + [_convolution(tf, product, settings)]
  if settings["strides"] != [1, 1, 1, 1]:
    return ways
  kernel = _kernel_shape(product)
  if kernel[:2] != [1, 1]:
    return ways
  *_, channels, filters = kernel

  def flat(tensor, width):
    return tf.reshape(tensor, [-1, width])

  return ways + [
    {
      "Conv2D": lambda x, k: tf.matmul(flat(x, channels), flat(k, filters)),
      "Conv2DBackpropFilter": lambda x, _, dy: tf.matmul(
        flat(x, channels), flat(dy, filters), transpose_a=True
      ),
      "Conv2DBackpropInput": lambda _, k, dy: tf.matmul(
        flat(dy, filters), flat(k, filters), transpose_b=True
      ),
    }[product.type]
  ]


def _convolution(tf, product, settings: dict[str, bool]) -> Callable:
  """Returns how a matrix product is computed as a 1x1 convolution, or as one of its gradients."""
  rows = product.inputs[0].shape[0]
  frames = _BATCH_SIZE.value * _NUM_FRAMES.value

  def pictures(tensor):
    if rows % frames:
      return tensor[tf.newaxis, :, tf.newaxis]
    return tf.reshape(tensor, [frames, rows // frames, 1, tensor.shape[-1]])

  def kernel(tensor):
    return tensor[tf.newaxis, tf.newaxis]

  if settings["transpose_a"]:
    sizes = [1, 1, *product.outputs[0].shape]
    return lambda a, b: tf.raw_ops.Conv2DBackpropFilter(
      input=pictures(a),
      filter_sizes=sizes,
      out_backprop=pictures(b),
      strides=4 * [1],
      padding="SAME",
    )
  if settings["transpose_b"]:
    channels = product.outputs[0].shape[-1]
    return lambda a, b: tf.nn.conv2d_transpose(
      pictures(a), kernel(b), [*pictures(a).shape[:3], channels], 1
    )
  return lambda a, b: tf.nn.conv2d(pictures(a), kernel(b), 1, "SAME")


def _kernel_shape(product) -> list[int]:
  if product.type == "Conv2DBackpropFilter":
    return product.outputs[0].shape.as_list()
  return product.inputs[1].shape.as_list()


def _fastest(tf, ways: Sequence[Callable], operands: Sequence) -> int:
  """Returns the number of the way that takes the least time by itself."""
  if len(ways) == 1:
    return 0
  functions = [tf.function(lambda way=way: tf.reshape(way(*operands), [-1])[0]) for way in ways]
  times: list[list[float]] = [[] for _ in ways]
  for _ in range(1 + _TRIALS):
    for function, seconds in zip(functions, times, strict=True):
      start = time.perf_counter()
      function().numpy()
      seconds.append(time.perf_counter() - start)
  return min(range(len(ways)), key=lambda number: min(times[number][1:]))


if __name__ == "__main__":
  cli.run(main)
