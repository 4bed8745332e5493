"""Every task through one suite: its parts fit together; it trains, evaluates, is served, answers.

So does `toy_task`, a folder outside the tree, which nothing but its registration makes known.
"""

import contextlib
import csv
import io
import json
import math
import pathlib
import pickle

import numpy as np
import pytest
import tensorflow as tf
import toy_task.spec

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.runs import fitness
from official.serving import answers
from official.serving import batch
from official.serving import exporter
from official.serving import prediction
from official.serving import saved_model
from official.serving import verification
from official.tasks import contract
from official.tasks import registry
from official.training import config
from official.training import ensemble
from official.training import final_trainer

_TOY = toy_task.spec.SPEC
_CLASSES = 4
_DEGRADE = "bicubic:2"


@pytest.fixture(scope="module", params=[*registry.names(), _TOY.name])
def spec(request):
  """A registered task; the one from outside the tree is registered for as long as it takes."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(registry, "_TASKS", dict(registry._TASKS))
    registry.register(_TOY)
    yield registry.get(request.param)


@pytest.fixture(scope="module")
def learning(spec):
  if _restores(spec):
    return spec.learning()(spec, contract.DenseOutput(channels=3, scale=2), degrade=_DEGRADE)
  if _segments(spec):
    return spec.learning()(spec, contract.DenseOutput(channels=_CLASSES))
  return spec.learning()(spec, contract.ClassOutput(_CLASSES))


@pytest.fixture(scope="module")
def labels(spec):
  """Three clips, of which the last is padding."""
  weight = tf.constant([1.0, 1.0, 0.0])
  if _restores(spec):
    draw = np.random.default_rng(0).integers
    frames, seen = (draw(0, 256, (3, 2, side, side, 3), np.uint8) for side in (16, 8))
    return {"frames": tf.constant(frames), "input": tf.constant(seen), "weight": weight}
  if _segments(spec):
    mask = np.random.default_rng(0).integers(0, _CLASSES, (3, 2, 16, 16), np.uint8)
    mask[:, :, 0] = 255
    return {"mask": tf.constant(mask), "weight": weight}
  several = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float32)
  label = several if spec.target.several else several.argmax(axis=1).astype(np.int32)
  return {"label": tf.constant(label), "weight": weight}


def _restores(spec: contract.Spec) -> bool:
  return isinstance(spec.target, contract.Self)


def _segments(spec: contract.Spec) -> bool:
  return isinstance(spec.target, contract.Stream)


def _only_labels(spec: contract.Spec) -> None:
  if not isinstance(spec.target, contract.Labels):
    pytest.skip("its answers are frames or masks, which are not joined and have no rows")


def _logits(seed: int = 0, count: int = 3) -> tf.Tensor:
  return tf.constant(np.random.default_rng(seed).normal(size=(count, _CLASSES)), tf.float32)


def _outputs(spec: contract.Spec, seed: int = 0) -> tf.Tensor:
  """Returns what a network may return for the three clips."""
  if isinstance(spec.target, contract.Labels):
    return _logits(seed)
  channels = 3 if _restores(spec) else _CLASSES
  values = np.random.default_rng(seed).normal(scale=0.1, size=(3, 2, 16, 16, channels))
  return tf.constant(values, tf.float32)


def test_a_task_crosses_process_boundaries(spec):
  assert pickle.loads(pickle.dumps(spec)) == spec


def test_every_fitness_is_a_choice_and_computed_of_the_task_s_metrics(spec):
  metrics = {metric.name: 0.5 for metric in spec.metrics}
  for one in spec.fitness:
    assert one.name in fitness.names()
    value = fitness.compute(one.name, metrics)
    assert (value > 0) == one.higher_is_better
    assert fitness.text(one.name, value).startswith(f"{one.name} 0.5") or len(one.metrics) > 1


def test_there_is_a_metric_object_for_each_metric_under_its_name(spec, learning):
  evaluated = [metric.name for metric in learning.metrics(training=False)]
  assert evaluated == [metric.name for metric in spec.metrics if not metric.on_request]
  while_training = [metric.name for metric in learning.metrics(training=True)]
  assert while_training == [metric.name for metric in spec.metrics if metric.while_training]


def test_metrics_leave_padding_out(spec, learning, labels):
  metrics = [*learning.metrics(training=False), *learning.looks()]
  first, second = (
    tf.concat([_outputs(spec)[:2], _outputs(spec, seed)[2:]], axis=0) for seed in (1, 2)
  )
  found = []
  for outputs in (first, second):
    for metric in metrics:
      metric.reset_state()
    learning.update(metrics, labels, outputs)
    found.append([np.array(metric.result()) for metric in metrics])
  for one, other in zip(*found, strict=True):
    np.testing.assert_array_equal(one, other)


def test_each_example_has_a_loss_that_the_network_can_lower(spec, learning, labels):
  outputs = tf.Variable(_outputs(spec))
  with tf.GradientTape() as tape:
    losses = learning.losses(labels, outputs)
  assert losses.shape == [3]
  outputs.assign_sub(0.1 * tape.gradient(losses, outputs))
  assert (learning.losses(labels, outputs) < losses).numpy().all()


def test_the_answer_about_one_view_is_the_network_s(spec, learning):
  _only_labels(spec)
  joined = learning.join_views(_logits(), 1)
  np.testing.assert_allclose(
    learning.probabilities(joined), learning.probabilities(_logits()), rtol=1e-5
  )


def test_views_and_networks_are_joined_alike(spec, learning):
  """Two views of one network, and one view of two networks."""
  _only_labels(spec)
  both = [_logits(1), _logits(2)]
  of_views = learning.join_views(tf.reshape(tf.stack(both, axis=1), [6, _CLASSES]), 2)
  of_networks = learning.join_networks(both)
  np.testing.assert_allclose(
    learning.probabilities(of_views), learning.probabilities(of_networks), rtol=1e-5
  )


def test_an_answer_has_the_outputs_that_it_says_and_passes_its_own_check(spec, labels):
  served, names = spec.served(), [f"class {index}" for index in range(_CLASSES)]
  if _restores(spec):
    answer = served.restored(labels["input"][:1], _outputs(spec)[:1], _DEGRADE)
  else:
    answer = served.answer(_outputs(spec)[:1], tf.constant(names))
  assert tuple(answer) == served.outputs
  assert served.averaged in served.outputs
  ok, seen = served.check({name: value.numpy() for name, value in answer.items()}, names)
  assert ok and seen.startswith(
    "frames " if _restores(spec) else "masks " if _segments(spec) else "class "
  )


def test_a_row_has_the_columns_that_it_says(spec):
  _only_labels(spec)
  served, names = spec.served(), ["eat", "run"]
  row = served.row([0.25, 0.75], names, names)
  assert set(row) == {*served.columns, *served.wide_columns(names)}
  assert served.verdict(row, ["run"]) == "right"
  assert served.told([0.25, 0.75], names, ["eat"]).endswith("wrong (it is eat)")


# From here on with a network, trained once for each task.


@pytest.fixture(scope="module")
def settings(spec, request, tmp_path_factory):
  datasets = {
    "multi_label": "two_label_dataset",
    "restoration": "unlabelled_dataset",
    "segmentation": "mask_dataset",
  }
  named = spec is _TOY or not isinstance(spec.target, contract.Labels)
  return config.of(
    data_dir=request.getfixturevalue(datasets.get(spec.name, "sample_dataset")),
    cache_dir=str(tmp_path_factory.mktemp("cache")),
    num_frames=4,
    image_size=16,
    train_steps=10,
    batch_size=4,
    learning_rate=0.05,
    task=spec.name if named else "",
    degrade=_DEGRADE if _restores(spec) else "",
  )


@pytest.fixture(scope="module")
def member(tmp_path_factory):
  stem = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4, spatial_stride=2)
  architecture = Architecture((stem, block), (Connection(stem.id, block.id),))
  return {"architecture": serialization.to_json(architecture), "seed": 1, "candidate": 1}


@pytest.fixture(scope="module")
def trained(settings, member, tmp_path_factory):
  """The folder of a training, and what it returned."""
  folder = tmp_path_factory.mktemp("trained")
  training = final_trainer.FinalTraining(setup=settings, export_dir=str(folder / "export"))
  with contextlib.redirect_stdout(io.StringIO()):
    result = training(member, str(folder))
  assert result["status"] == "ok"
  return folder, result


@pytest.fixture(scope="module")
def version(trained):
  return saved_model.Version(trained[1]["export"])


@pytest.mark.slow
def test_a_training_is_judged_by_the_metrics_of_its_task(spec, trained):
  _, result = trained
  for metrics in (result["metrics"]["validation"], result["metrics"]["test"]):
    assert list(metrics) == [metric.name for metric in spec.metrics if not metric.on_request]
    assert all(math.isfinite(value) for value in metrics.values())
  assert json.loads(json.dumps(result)) == result


@pytest.mark.slow
def test_every_video_has_a_row_of_predictions_that_agrees_with_the_metrics(spec, trained):
  folder, result = trained
  with open(folder / "predictions.csv", encoding="utf-8", newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
  assert len({row["clip"] for row in rows}) == len(rows) == 8
  shared = {"right": "accuracy", "psnr": "psnr", "ssim": "ssim", "input_psnr": "input_psnr"}
  for column, metric in shared.items():
    if column in rows[0] and metric in result["metrics"]["test"]:
      mean = np.mean([float(row[column]) for row in rows])
      assert mean == pytest.approx(result["metrics"]["test"][metric], abs=1e-4)


@pytest.mark.slow
def test_a_network_is_evaluated_again_from_its_checkpoint(spec, settings, member, trained):
  folder, result = trained
  model = ensemble.restore(settings, {**member, "training": str(folder / "training")})
  found = ensemble.evaluate(settings, model, [member], "validation")
  assert found == pytest.approx(result["metrics"]["validation"], rel=1e-5)
  twice = exporter.Ensemble([model, model], task=spec)
  found = ensemble.evaluate(settings, twice, [member], "validation")
  assert found == pytest.approx(result["metrics"]["validation"], rel=1e-4)


@pytest.mark.slow
def test_an_export_names_its_task_and_is_what_a_server_wants(spec, version):
  assert version.spec == spec
  findings = list(verification.verify(version))
  assert [finding for finding in findings if not finding.ok] == []
  card = pathlib.Path(version.path, "model_card.md").read_text(encoding="utf-8")
  assert card.startswith(f"# {spec.served().title(version.classes)}\n")


@pytest.mark.slow
def test_videos_are_answered_with_the_rows_of_the_task(spec, sample_dataset, version, tmp_path):
  _only_labels(spec)
  manifest = str(pathlib.Path(sample_dataset).parent / "videos" / "manifest.csv")
  asked = batch.Batch(
    questions=batch.questions([], manifest=manifest, split="test"),
    form=answers.Format(
      model=version.digest, served=version.served, classes=version.labels, with_labels=True
    ),
    make=prediction.load,
    arguments=(version.path, version.spec),
  )
  output = str(tmp_path / "answers.csv")
  assert batch.run(asked, output, manifest=manifest) == 0
  with open(output, encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == len(asked.questions) > 0
  for row in rows:
    assert row["error"] == "" and row["verdict"] in ("right", "wrong")
    assert all(row[name] for name in (*spec.served().columns, *asked.form.columns[-6:]))
