"""The real steps meet the demands of accelerators, as far as graphs show: tests have none.

A GPU refuses some operations while operations are deterministic; the list is that of the messages
in the library of TensorFlow 2.15.1. Graphs are looked at with every function that they call. A TPU
takes only what XLA compiles, whole, and with static shapes.
"""

import json
import pathlib
import pickle
import re
import subprocess
import sys

from official.core import config_definitions
import pytest
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.architecture import kinds
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.layers import optical_flow
from official.tasks import contract
from official.tasks import registry
from official.training import clip_task
from official.training import config
from official.training import connection_sensitivity
from official.training import experiment
from official.training import optimizers
from official.training import trainer

_CLASSES = 5
# Segment sums have a deterministic kernel for some types only; none of them is needed.
_REFUSED = re.compile(
  r"AdjustContrast(v2)?|(Sparse)?SoftmaxCrossEntropyWithLogits|ResizeNearestNeighborGrad"
  r"|SparseTensorDenseMatMul|DebugNumericSummaryV2|Dilation2DBackprop(Filter|Input)"
  r"|MaxPool(Grad)+WithArgmax|Svd|(Dense|Ragged|Sparse)?Bincount|HistogramFixedWidth"
  r"|FakeQuantWithMinMaxVars(PerChannel)?Gradient|CropAndResizeGrad(Boxes|Image)"
  r"|(Unsorted|Sparse)?Segment(Sum|Mean|Prod|Min|Max|SqrtN)\w*|Timestamp"
  r"|Scatter(Add|Sub|Mul|Div|Min|Max|Update)"
)


@pytest.fixture
def determinism():
  """Operations are deterministic, as in a training: some graphs are made of others then."""
  tf.random.set_seed(1)  # Random numbers without a seed are refused now.
  tf.config.experimental.enable_op_determinism()
  yield
  # TensorFlow has no public function that does the opposite.
  from tensorflow.python.framework import config as tf_config

  tf_config.disable_op_determinism()


# The batches below have labels; what answers for every pixel is not looked at here.
_OF_LABELS = [
  name for name in registry.names() if isinstance(registry.get(name).target, contract.Labels)
]


class _Task(clip_task.ClipTask):
  """The task, of a dataset that is not there."""

  @property
  def streams(self):
    rgb = StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")
    flow = StreamInfo(kind="flow", channels=2, feature="flow/encoded", format="png", bound=20.0)
    return {"rgb": rgb, "flow": flow}


def _architecture() -> Architecture:
  """Returns a network of every block kind, with poolings and projections."""
  stem = dict(level=0, spatial_stride=4)
  middle = [
    Block(
      id=kind,
      level=1,
      kind=kind,
      channels=4,
      temporal_dilation=2,
      spatial_stride=1 + n % 2,
      intermediate_channels=4 if kinds.get(kind).needs_intermediate_channels else None,
    )
    for n, kind in enumerate(kind for kind in kinds.names() if not kinds.get(kind).is_stem)
  ]
  ends = [
    *((source, block.id) for block in middle for source in ("rgb", "flow")),
    *((block.id, "last") for block in middle),
  ]
  return Architecture(
    (
      Block(id="rgb", kind="stem_2plus1d", streams=("rgb",), channels=4, **stem),
      Block(id="flow", kind="stem_2d", streams=("flow",), channels=6, **stem),
      *middle,
      Block(id="last", level=2, kind="basic_2plus1d", channels=8, spatial_stride=2),
    ),
    tuple(Connection(*both) for both in ends),
  )


def _made(
  precision="float32",
  optimizer="sgd",
  synchronized=False,
  pooling="average",
  task_name="classification",
  **facts,
):
  """Returns a task, its network and its optimizer, made as a training makes them."""
  task = _Task(
    clip_task.ClipTaskConfig(
      model=clip_task.Network(
        architecture=json.dumps(serialization.to_json(_architecture())),
        num_classes=_CLASSES,
        pooling=pooling,
        synchronized=synchronized,
      ),
      train_data=clip_task.ClipData(num_frames=4, image_size=16),
      task=task_name,
      **facts,
    )
  )
  how = config.of(
    train_steps=10,
    batch_size=2,
    optimizer=optimizer,
    learning_rate=0.1,
    connection_learning_rate_multiplier=1.0,
  )
  with experiment.precision(precision):
    model = task.build_model()
    chosen = task.create_optimizer(
      optimizers.optimization_config(how),
      config_definitions.RuntimeConfig(mixed_precision_dtype=precision),
    )
  return task, model, chosen


def _batch(task, *views: int, flow=tf.uint8) -> tuple[dict, dict]:
  """Returns what an input pipeline sends: two clips, or `views` of each of two videos."""
  streams = {
    "rgb": tf.TensorSpec([2, *views, 4, 16, 16, 3], tf.uint8),
    "flow": tf.TensorSpec([2, *views, 4, 16, 16, 2], flow),
  }
  if flow == tf.uint8:
    streams["flow/step"] = tf.TensorSpec([2], tf.float32)
  several = task.spec.target.several
  label = tf.TensorSpec([2, _CLASSES], tf.float32) if several else tf.TensorSpec([2], tf.int32)
  return streams, {"label": label, "weight": tf.TensorSpec([2], tf.float32)}


def _nodes(function, *arguments) -> list:
  """Returns the nodes of a function's graph and of all functions that it calls."""
  traced = tf.function(function, autograph=False).get_concrete_function(*arguments)
  graph = traced.graph.as_graph_def()
  return [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]


def _refused(nodes: list) -> list[str]:
  """Returns the operations among them that a GPU would refuse."""
  fixed = {
    node.op
    for node in nodes
    if node.op.startswith("FusedBatchNormGrad") and not node.attr["is_training"].b
  }
  return sorted(fixed | {node.op for node in nodes if _REFUSED.fullmatch(node.op)})


def _train_step(task, model, optimizer):
  metrics = task.build_metrics(training=True)
  trainer._create_slots(getattr(optimizer, "inner_optimizer", optimizer), model)
  return lambda *batch: task.train_step(batch, model, optimizer, metrics)


@pytest.mark.usefixtures("determinism")
@pytest.mark.parametrize(
  "settings",
  [
    dict(l2_weight_decay=1e-4, class_weights="[1, 2, 3, 4, 5]"),
    dict(freeze_backbone=True),
    pytest.param(
      dict(
        precision="float16",
        optimizer="adamw",
        pooling="max",
        task_name="multi_label",
        gradient_checkpointing=True,
      ),
      marks=pytest.mark.slow,
    ),
    pytest.param(
      dict(precision="bfloat16", synchronized=True, pooling="softmax"), marks=pytest.mark.slow
    ),
  ],
  ids=lambda settings: "-".join(settings),
)
def test_a_training_step_has_no_operation_that_a_gpu_refuses(settings):
  task, model, optimizer = _made(**settings)
  nodes = _nodes(_train_step(task, model, optimizer), *_batch(task))
  assert any(node.op.startswith("Conv2DBackpropFilter") for node in nodes) != (
    "freeze_backbone" in settings
  )
  assert _refused(nodes) == []


@pytest.mark.usefixtures("determinism")
@pytest.mark.parametrize("task_name", _OF_LABELS)
def test_an_evaluation_step_has_no_operation_that_a_gpu_refuses(task_name):
  task, model, _ = _made(task_name=task_name)
  metrics = [*task.build_metrics(training=False), *task.learning.looks()]
  nodes = _nodes(
    lambda *batch: task.validation_step(batch, model, metrics), *_batch(task, 3, flow=tf.float16)
  )
  assert any(node.op.startswith("FusedBatchNorm") for node in nodes)
  assert _refused(nodes) == []


@pytest.mark.usefixtures("determinism")
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_the_sensitivity_pass_has_no_operation_that_a_gpu_refuses(gradient_checkpointing):
  task, model, _ = _made(gradient_checkpointing=gradient_checkpointing)
  nodes = _nodes(
    lambda *batch: connection_sensitivity.gradient(model, task, *batch), *_batch(task, 1)
  )
  assert any(node.op == "Conv2DBackpropInput" for node in nodes)
  assert _refused(nodes) == []


@pytest.mark.usefixtures("determinism")
def test_flow_has_no_operation_that_a_gpu_refuses():
  assert _refused(_nodes(optical_flow.pair_flow, tf.TensorSpec([3, 2, 32, 48, 3], tf.uint8))) == []


@pytest.mark.usefixtures("determinism")
def test_what_a_gpu_refuses_is_recognised_within_functions_too():
  def inference_gradient(x):
    return tf.function(
      lambda x: tf.gradients(
        tf.raw_ops.FusedBatchNormV3(
          x=x, scale=[1.0], offset=[0.0], mean=[0.0], variance=[1.0], is_training=False
        )[0],
        x,
      )
    )(x)

  nodes = _nodes(inference_gradient, tf.TensorSpec([1, 2, 2, 1]))
  assert _refused(nodes) == ["FusedBatchNormGradV3"]
  nodes = _nodes(
    lambda x: tf.math.bincount(x, minlength=3, maxlength=3), tf.TensorSpec([4], tf.int32)
  )
  assert [op for op in _refused(nodes) if "Bincount" in op]


def _hlo(function, *arguments) -> str:
  """Returns what XLA makes of a function, in its own language."""
  compiled = tf.function(function, autograph=False, jit_compile=True)
  arguments = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), arguments)
  return compiled.experimental_get_compiler_ir(*arguments)(stage="hlo")


@pytest.mark.slow
@pytest.mark.parametrize(
  "settings",
  [
    dict(l2_weight_decay=1e-4, class_weights="[1, 2, 3, 4, 5]"),
    dict(precision="bfloat16", optimizer="adamw", synchronized=True, pooling="max"),
    dict(task_name="multi_label", pooling="softmax", gradient_checkpointing=True),
  ],
  ids=lambda settings: "-".join(settings),
)
def test_a_training_step_compiles_whole(settings):
  task, model, optimizer = _made(**settings)
  assert "convolution" in _hlo(_train_step(task, model, optimizer), *_batch(task))


@pytest.mark.slow
@pytest.mark.parametrize("task_name", _OF_LABELS)
def test_an_evaluation_step_compiles_whole(task_name):
  task, model, _ = _made(task_name=task_name)
  metrics = [*task.build_metrics(training=False), *task.learning.looks()]
  assert "convolution" in _hlo(
    lambda *batch: task.validation_step(batch, model, metrics), *_batch(task, 3, flow=tf.float16)
  )


@pytest.mark.slow
def test_the_sensitivity_pass_compiles_whole():
  task, model, _ = _made()
  assert "convolution" in _hlo(
    lambda *batch: connection_sensitivity.gradient(model, task, *batch), *_batch(task, 1)
  )


@pytest.mark.slow
def test_flow_compiles_whole():
  assert "while" in _hlo(optical_flow.pair_flow, tf.TensorSpec([3, 2, 32, 48, 3], tf.uint8))


@pytest.mark.slow
@pytest.mark.usefixtures("determinism")
def test_xla_refuses_max_pooling_while_operations_are_deterministic():
  """So they are not on a TPU (Setup.deterministic_ops)."""
  task, model, optimizer = _made()
  with pytest.raises(ValueError, match="MaxPool gradient ops do not yet have a deterministic XLA"):
    _hlo(_train_step(task, model, optimizer), *_batch(task))


# Trains with a second logical CPU in the place of an accelerator.
_PROGRAM = """
import pickle, sys

from official.training import experiment
from official.training import optimizers
from official.training import runtime
from official.serving import exporter
from tensorflow.python.eager import context
import tensorflow as tf

assert not context.context()._initialized, "an import has begun to use devices"
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
runtime.distribute_utils.get_distribution_strategy = (
  lambda name, num_gpus: tf.distribute.OneDeviceStrategy("device:CPU:1"))
settings, architecture, folder = pickle.load(sys.stdin.buffer)
trained = experiment.train(
  settings, architecture, 3, folder, lambda *_, **__: None, also_evaluate=("test",),
  sensitivities=True)
assert tf.train.latest_checkpoint(folder).endswith("-20")
assert trained.looks["test"]["confusion"].sum() == 8 and len(trained.sensitivities) == 4
print(*sorted({variable.device[-5:] for variable in trained.model.variables}))
"""


@pytest.mark.slow
def test_a_training_runs_on_a_device_that_is_not_its_host(sample_dataset, tmp_path):
  stem = dict(level=0, kind="stem_2d", channels=4, spatial_stride=2)
  block = dict(kind="basic_2plus1d", channels=8, spatial_stride=2)
  blocks = (
    *(Block(id=name, streams=(name,), **stem) for name in ("rgb", "flow")),
    Block(id="a", level=1, **block),
    Block(id="b", level=2, **block),
  )
  ends = (("rgb", "a"), ("flow", "a"), ("flow", "b"), ("a", "b"))
  settings = config.of(
    data_dir=sample_dataset,
    cache_dir=str(tmp_path / "cache"),
    num_frames=4,
    image_size=16,
    threads=1,
    train_steps=20,
    batch_size=4,
    learning_rate=0.05,
  )
  architecture = serialization.to_json(
    Architecture(blocks, tuple(Connection(*both) for both in ends))
  )
  process = subprocess.run(
    [sys.executable, "-c", _PROGRAM],
    input=pickle.dumps((settings, architecture, str(tmp_path / "training"))),
    cwd=pathlib.Path(__file__).parents[2],
    capture_output=True,
    check=False,
    timeout=300,
  )
  assert process.returncode == 0, process.stderr.decode()[-2000:]
  assert process.stdout.decode().splitlines()[-1] == "CPU:1"
