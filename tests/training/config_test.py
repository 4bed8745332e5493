"""The description of a training, and the views of it."""

import dataclasses
import json
import pickle

from absl import flags
import pytest

from data_prep.common import cli
from official.training import config
from official.training import flags as training_flags
from official.training.config import yaml_values


@pytest.mark.parametrize(
  "steps, asked, interval, loop",
  [
    (40, None, 10, 10),
    (200, None, 20, 20),
    (10_000, None, 1000, 20),
    (5, None, 10, 10),
    (200, 50, 50, 10),
    (200, 37, 37, 1),
  ],
)
def test_loops_end_where_checkpoints_are_due(steps, asked, interval, loop):
  schedule = config.Schedule(train_steps=steps, checkpoint_steps=asked)
  assert (schedule.checkpoint_interval, schedule.steps_per_loop) == (interval, loop)


@pytest.mark.parametrize(
  "address", ["grpc://10.0.0.2:8470", "my-tpu", "10.0.0.2", "grpc://localhost:8470"]
)
def test_a_tpu_of_another_machine_is_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  with pytest.raises(cli.UserError, match=f"^`tpu`={address} is a TPU of another machine"):
    config.check_tpu(address)


def test_so_is_one_that_the_environment_names(monkeypatch):
  monkeypatch.setenv("TPU_NAME", "my-tpu")
  with pytest.raises(cli.UserError, match="^TPU_NAME=my-tpu is a TPU of another machine"):
    config.check_tpu("")


@pytest.mark.parametrize("address", ["local", ""])
def test_a_tpu_of_this_machine_is_not_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  config.check_tpu(address)


def test_operations_are_deterministic_but_for_tpus():
  assert config.Devices().deterministic_ops
  assert not config.Devices(deterministic=False).deterministic_ops
  assert not config.Devices(distribution_strategy="tpu").deterministic_ops


@pytest.mark.parametrize(
  "values, message",
  [
    ({"learning_rate": "fast"}, "optimizer.learning_rate is 'fast', and takes a number"),
    ({"num_frames": 8.0}, "data.num_frames is 8.0, and takes a whole number"),
    ({"horizontal_flip": 1}, "augmentation.horizontal_flip is 1, and takes true or false"),
    ({"batch_size": None}, "schedule.batch_size is None, and takes a whole number"),
    ({"ema_decay": []}, "optimizer.ema_decay is [], and takes a number or null"),
    ({"pooling": "sum"}, "`pooling`=sum is unknown; it is one of average, max, softmax"),
    ({"brightness": 2}, "`brightness`=2.0 is out of range; give a number from 0.0 to 1.0"),
  ],
)
def test_a_value_that_cannot_be_is_refused(values, message):
  with pytest.raises(cli.UserError) as refused:
    config.of(**values)
  assert str(refused.value) == message


def test_parts_refuse_what_the_whole_does():
  with pytest.raises(cli.UserError, match="`learning_rate`=0.0 is out of range; give a number abo"):
    config.Optimizer(learning_rate=0)


def test_there_are_no_other_names():
  with pytest.raises(TypeError, match="a training has no momentum"):
    config.of(momentum=0.9)


def test_a_training_is_the_sum_of_its_parts():
  whole = config.of(optimizer="adamw", learning_rate=1, num_frames=4)
  parts = config.Training(
    data=config.Data(num_frames=4), optimizer=config.Optimizer(type="adamw", learning_rate=1.0)
  )
  assert whole == parts and isinstance(whole.optimizer.learning_rate, float)
  assert config.replace(whole, num_frames=8, optimizer="sgd", learning_rate=0.1) == config.of()
  assert pickle.loads(pickle.dumps(whole)) == whole


def test_every_name_and_help_text_is_told_once():
  leaves = config.leaves()
  assert len({leaf.name for leaf in leaves}) == len(leaves)
  assert all(leaf.knob.help.endswith(".") for leaf in leaves)


# What run directories record; a name that changed here would refuse all runs there are.
_IDENTITY = {
  "flow",
  "batch_size",
  "learning_rate",
  "optimizer",
  "weight_decay",
  "label_smoothing",
  "warmup_fraction",
  "gradient_clip_norm",
  "class_weights",
  "ema_decay",
  "precision",
  "pooling",
  "horizontal_flip",
  "min_crop_area",
  "brightness",
  "clips_per_video",
  "crops_per_clip",
  "num_frames",
  "image_size",
  "connection_learning_rate_multiplier",
  "deterministic",
}


def test_a_search_records_what_decides_the_training_of_a_candidate():
  recorded = set(config.identity(config.of(), config.EVOLVE))
  assert recorded == _IDENTITY | {"distribution_strategy", "gradient_checkpointing"}
  assert config.operation(config.of(), config.EVOLVE) == {}


def test_a_training_records_its_start_and_apart_its_hardware():
  recorded = set(config.identity(config.of(), config.TRAIN))
  assert recorded == _IDENTITY | {
    "train_steps",
    "init_checkpoint",
    "freeze_backbone",
    "connection_weights",
    "freeze_connection_weights",
  }
  assert config.operation(config.of(), config.TRAIN) == {
    "distribution_strategy": "one_device",
    "threads": 0,
    "num_gpus": None,
    "gradient_checkpointing": False,
  }


# A value of every type that is no field's default.
_OTHER = {bool: lambda leaf: not leaf.default, float: lambda leaf: 0.7, int: lambda leaf: 9}
_OTHER[str] = lambda leaf: leaf.knob.allowed[-1] if leaf.knob.allowed else "x"


def _others() -> dict:
  return {leaf.name: _OTHER[leaf.type](leaf) for leaf in config.leaves()}


def test_every_field_comes_back_from_a_run():
  values = _others() | {"precision": "bfloat16"}
  recorded = json.loads(json.dumps(values))
  assert config.by_name(config.restored(recorded)) == values


def test_a_run_from_before_there_was_a_field_has_its_default():
  first = {leaf.name: _others()[leaf.name] for leaf in config.leaves() if leaf.knob.since == 1}
  found = config.restored({**first, "ema_decay": None, "seed": 3})
  assert found == config.of(**first)


def test_a_value_that_every_run_has_cannot_be_missing():
  with pytest.raises(KeyError, match="num_frames"):
    config.restored({})


def test_a_card_leaves_out_folders_and_usual_hardware():
  rows = config.card(config.of(data_dir="d", cache="none", threads=2))
  assert rows["threads"] == 2 and rows["weight_decay"] == 1e-4
  assert not {"data_dir", "cache_dir", "cache", "num_gpus", "tpu"} & set(rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Optimizer(config.Optimizer):
  momentum: float = config.knob(0.9, "Momentum of sgd.", least=0.0, most=1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Training(config.Training):
  optimizer: _Optimizer = _Optimizer()


def test_a_new_knob_is_one_field():
  given = flags.FlagValues()
  training_flags.define(config.TRAIN, _Training, given)
  given(["train", "--data_dir=d", "--momentum=0.5"])
  training = training_flags.read(config.TRAIN, _Training, given)
  assert training.optimizer.momentum == 0.5
  assert "Momentum of sgd." in given.get_help()
  recorded = config.identity(training, config.EVOLVE)
  assert recorded["momentum"] == 0.5
  assert config.restored(recorded, _Training, train_steps=9).optimizer.momentum == 0.5
  before = {name: value for name, value in recorded.items() if name != "momentum"}
  assert config.restored(before, _Training, train_steps=9).optimizer.momentum == 0.9
  assert config.defaults(_Training)["momentum"] == 0.9
  assert config.card(training)["momentum"] == 0.5
  of_text = yaml_values.from_text("optimizer.momentum=0.3", config.TRAIN, _Training)
  assert of_text == {"momentum": 0.3}
  with pytest.raises(cli.UserError, match="`momentum`=2.0 is out of range; give a number from 0"):
    config.replace(training, momentum=2)
