"""The task: weighted losses and metrics, clips averaged to videos."""

import json

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import serialization
from official.architecture import structure_list
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import clip_task

_LOGITS = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.98, 0.01, 0.01]], np.float32))
_LABELS = {"label": tf.constant([0, 2, 1]), "weight": tf.constant([1.0, 1.0, 0.0])}


_SEVERAL = {
  "label": tf.constant([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]),
  "weight": tf.constant([1.0, 1.0, 0.0]),
}


def _task(task_name="classification", **config) -> clip_task.ClipTask:
  model = clip_task.Network(num_classes=3)
  return clip_task.ClipTask(clip_task.ClipTaskConfig(model=model, task=task_name, **config))


def _model(variable=None):
  """Mean over everything but batch and channels, as logits."""
  rgb = tf.keras.Input([2, 4, 4, 3], name="rgb")
  return tf.keras.Model({"rgb": rgb}, tf.keras.layers.GlobalAveragePooling3D()(rgb))


def test_loss_is_the_mean_over_examples_of_weight_1():
  loss = _task().build_losses(_LABELS, tf.constant(_LOGITS))
  assert float(loss) == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2, rel=1e-5)


def test_label_smoothing_spreads_the_target():
  loss = _task(label_smoothing=0.3).build_losses(
    {"label": tf.constant([0]), "weight": tf.constant([1.0])}, tf.constant(_LOGITS[:1])
  )
  assert float(loss) == pytest.approx(
    -(0.8 * np.log(0.7) + 0.1 * np.log(0.2) + 0.1 * np.log(0.1)), rel=1e-5
  )


def test_class_weights_are_factors_of_the_losses():
  loss = _task(class_weights="[1, 5, 3]").build_losses(_LABELS, tf.constant(_LOGITS))
  assert float(loss) == pytest.approx(-(np.log(0.7) + 3 * np.log(0.3)) / 2, rel=1e-5)


def test_balanced_weights_give_every_class_the_same_sum(sample_dataset, tmp_path):
  data = clip_task.ClipData(data_dir=sample_dataset, cache_dir=str(tmp_path))
  task = _task(class_weights="balanced", train_data=data)
  labels = [video.labels[0] for video in task.store(data).videos]
  sums = task.class_weights * np.bincount(labels)
  np.testing.assert_allclose(sums, len(labels) / 6, rtol=1e-6)


def test_metrics_leave_padding_out():
  task = _task()
  metrics = task.build_metrics(training=False)
  task.process_metrics(metrics, _LABELS, tf.constant(_LOGITS))
  results = {metric.name: float(metric.result()) for metric in metrics}
  assert results["accuracy"] == 0.5
  assert results["loss"] == pytest.approx(-(np.log(0.7) + np.log(0.3)) / 2, rel=1e-5)


def test_an_evaluation_has_the_metrics_of_one_label_a_clip():
  names = [metric.name for metric in _task().build_metrics(training=False)]
  assert names == ["accuracy", "top5_accuracy", "loss", "mean_average_precision"]
  assert [metric.name for metric in _task().build_metrics()] == ["accuracy"]


def test_several_labels_a_clip_have_no_accuracy():
  task = _task("multi_label")
  assert task.build_metrics() == []
  names = [metric.name for metric in task.build_metrics(training=False)]
  assert names == ["loss", "mean_average_precision"]


def test_loss_of_several_labels_is_the_mean_over_classes_and_clips():
  logits = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, -3.0], [9.0, 9.0, 9.0]], np.float32)
  truth = _SEVERAL["label"].numpy()[:2]
  p = 1 / (1 + np.exp(-logits[:2]))
  expected = -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))
  task = _task("multi_label")
  assert float(task.build_losses(_SEVERAL, tf.constant(logits))) == pytest.approx(expected)
  metrics = task.build_metrics(training=False)
  task.process_metrics(metrics, _SEVERAL, tf.constant(logits))
  assert float(metrics[0].result()) == pytest.approx(expected)


def test_mean_average_precision_ranks_the_clips_of_a_class():
  task = _task("multi_label")
  metric = task.build_metrics(training=False)[-1]
  logits = tf.constant([[2.0, 0.0, 1.0], [3.0, 1.0, 0.0], [9.0, -9.0, 9.0]])
  task.process_metrics([metric], _SEVERAL, logits)
  assert float(metric.result()) == pytest.approx((1 / 2 + 1 + 1) / 3)


def test_an_answer_with_several_labels_is_the_mean_of_sigmoids():
  clips = np.random.default_rng(0).normal(size=(2, 3, 2, 4, 4, 3)).astype(np.float32)
  logits = _task("multi_label").inference_step({"rgb": tf.constant(clips)}, _model())
  expected = tf.sigmoid(clips.mean((2, 3, 4))).numpy().mean(1)
  np.testing.assert_allclose(tf.sigmoid(logits), expected, rtol=1e-5)


def test_a_video_s_answer_is_the_mean_of_its_clips_probabilities():
  clips = np.random.default_rng(0).normal(size=(2, 3, 2, 4, 4, 3)).astype(np.float32)
  logits = _task().inference_step({"rgb": tf.constant(clips)}, _model())
  expected = tf.nn.softmax(clips.mean((2, 3, 4))).numpy().mean(1)
  np.testing.assert_allclose(tf.nn.softmax(logits), expected, rtol=1e-5)


def test_l2_reaches_kernels_and_nothing_else():
  """With all weights 0, a step of plain descent shrinks the kernel and leaves the bias."""
  rgb = tf.keras.Input([2, 4, 4, 3], name="rgb")
  dense = tf.keras.layers.Dense(3, bias_initializer="ones")
  model = tf.keras.Model({"rgb": rgb}, dense(tf.keras.layers.GlobalAveragePooling3D()(rgb)))
  kernel, bias = (variable.numpy() for variable in dense.trainable_variables)
  labels = {"label": tf.constant([0, 1]), "weight": tf.zeros([2])}
  _task(l2_weight_decay=0.5).train_step(
    ({"rgb": tf.ones([2, 2, 4, 4, 3])}, labels),
    model,
    tf.keras.optimizers.legacy.SGD(1.0),
    metrics=[],
  )
  np.testing.assert_allclose(dense.kernel, kernel * 0.5, rtol=1e-6)
  np.testing.assert_array_equal(dense.bias, bias)


def test_the_step_of_a_folder_without_checkpoint_is_0(tmp_path):
  assert clip_task.checkpointed_step(str(tmp_path)) == 0
  assert clip_task.checkpointed_step("") == 0


def test_the_step_is_that_of_the_newest_checkpoint(tmp_path):
  step = tf.Variable(0, dtype=tf.int64)
  manager = tf.train.CheckpointManager(
    tf.train.Checkpoint(global_step=step), str(tmp_path), max_to_keep=2
  )
  for value in (10, 20):
    step.assign(value)
    manager.save(value)
  assert clip_task.checkpointed_step(str(tmp_path)) == 20


def test_connection_weights_begin_where_the_configuration_says(sample_dataset, tmp_path):
  stems = [
    Block(id=f"{name}_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(name,))
    for name in ("rgb", "flow")
  ]
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4)
  connections = tuple(Connection(stem.id, block.id) for stem in stems)
  architecture = Architecture((*stems, block), connections)
  task = clip_task.ClipTask(
    clip_task.ClipTaskConfig(
      model=clip_task.Network(
        architecture=json.dumps(serialization.to_json(architecture)),
        connection_weights=structure_list.weights_to_text({connections[0]: 0.25}),
        num_classes=3,
      ),
      train_data=clip_task.ClipData(data_dir=sample_dataset, cache_dir=str(tmp_path), cache="none"),
    )
  )
  weights = network.connection_weights(task.build_model())
  assert weights["rgb_0", "level1_0"] == pytest.approx(0.25)
  assert weights["flow_0", "level1_0"] == pytest.approx(0.5, abs=0.05)
