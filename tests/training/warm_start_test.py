"""First weights from an earlier training."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from official import network
from official.architecture import dense_cost
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import warm_start


def _model(classes: int, *, channels: int = 8, seed: int = 0) -> tf.keras.Model:
  stem = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=channels)
  tf.keras.utils.set_random_seed(seed)
  return network.build_network(
    Architecture((stem, block), (Connection("rgb_0", "level1_0"),)),
    streams={"rgb": 3},
    num_frames=2,
    height=8,
    width=8,
    num_classes=classes,
  )


@pytest.fixture(scope="module")
def donor(tmp_path_factory):
  """A network of 5 classes, and the folder with its checkpoint."""
  model = _model(5, seed=1)
  folder = tmp_path_factory.mktemp("donor")
  tf.train.Checkpoint(model=model).save(str(folder / "ckpt"))
  return model, str(folder)


def _same(one: tf.keras.layers.Layer, other: tf.keras.layers.Layer) -> bool:
  return all(
    np.array_equal(a.numpy(), b.numpy())
    for a, b in zip(one.variables, other.variables, strict=True)
  )


def test_of_another_number_of_classes_all_but_the_head_is_read(donor):
  model, random = _model(3), _model(3)
  warm_start.load(model, donor[1])
  for layer in model.layers[:-1]:
    assert _same(layer, donor[0].get_layer(layer.name))
  assert not _same(model.get_layer("block_level1_0"), random.get_layer("block_level1_0"))
  assert _same(model.get_layer("head"), random.get_layer("head"))


def test_of_as_many_classes_the_head_is_read_too(donor):
  model = _model(5)
  warm_start.load(model, tf.train.latest_checkpoint(donor[1]))
  assert _same(model, donor[0])


def test_another_architecture_is_refused(donor):
  with pytest.raises(cli.UserError, match="--init_checkpoint=.* is of another architecture"):
    warm_start.load(_model(5, channels=16), donor[1])


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match="is a folder without checkpoints; give another"):
    warm_start.load(_model(5), str(tmp_path))


def test_a_checkpoint_of_networks_that_computed_something_else_is_refused(tmp_path):
  """Nothing records a version: strided convolutions were padded otherwise then."""
  old = tf.train.Checkpoint(
    model=tf.train.Checkpoint(
      **{layer.name: layer for layer in _model(5).layers if layer.variables}
    )
  )
  path = old.write(str(tmp_path / "final"))
  with pytest.raises(
    cli.UserError,
    match="^--init_checkpoint=.*final has weights of network "
    "version 1, and this program computes version 2, .*; "
    "train it again",
  ):
    warm_start.load(_model(5), path)


def _dense_model(channels: int, *, scale: int = 1, seed: int = 0) -> tf.keras.Model:
  stem = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8)
  tf.keras.utils.set_random_seed(seed)
  return network.build_network(
    Architecture((stem, block), (Connection("rgb_0", "level1_0"),)),
    streams={"rgb": 3},
    num_frames=2,
    height=8,
    width=8,
    dense=dense_cost.Dense(channels=channels, scale=scale),
  )


@pytest.fixture(scope="module")
def dense_donor(tmp_path_factory):
  """A network of 5 values for a pixel, and the folder with its checkpoint."""
  model = _dense_model(5, seed=1)
  folder = tmp_path_factory.mktemp("dense")
  tf.train.Checkpoint(model=model).save(str(folder / "ckpt"))
  return model, str(folder)


def test_a_dense_head_of_the_same_output_is_read_whole(dense_donor):
  model = _dense_model(5)
  warm_start.load(model, dense_donor[1])
  assert _same(model, dense_donor[0])


@pytest.mark.parametrize("output", [{"channels": 3}, {"channels": 5, "scale": 2}])
def test_a_dense_head_of_another_output_keeps_its_last_convolution(dense_donor, output):
  model, random = _dense_model(**output), _dense_model(**output)
  warm_start.load(model, dense_donor[1])
  head, donor = (one.get_layer("head") for one in (model, dense_donor[0]))
  np.testing.assert_array_equal(head.kernel, random.get_layer("head").kernel)
  np.testing.assert_array_equal(head.head_weights, donor.head_weights)
  for name, projection in head.projections.items():
    assert _same(projection, donor.projections[name])
  assert _same(model.get_layer("block_level1_0"), dense_donor[0].get_layer("block_level1_0"))


def test_a_network_for_labels_gives_all_but_the_head_to_a_dense_one(donor):
  model, random = _dense_model(5), _dense_model(5)
  warm_start.load(model, donor[1])
  assert _same(model.get_layer("head"), random.get_layer("head"))
  assert _same(model.get_layer("block_level1_0"), donor[0].get_layer("block_level1_0"))


def test_a_dense_network_gives_all_but_the_head_to_one_for_labels(dense_donor):
  model, random = _model(5), _model(5)
  warm_start.load(model, dense_donor[1])
  assert _same(model.get_layer("head"), random.get_layer("head"))
  assert _same(model.get_layer("block_level1_0"), dense_donor[0].get_layer("block_level1_0"))
