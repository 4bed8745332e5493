"""The description of a training, and how often it saves and reports."""

import dataclasses

import pytest

from data_prep.common import cli
from official.training import flags as training_flags
from official.training import recipe
from official.training import setup


def _setup(steps: int, checkpoint_steps: int | None, **others) -> setup.Setup:
  how = recipe.Recipe(
    steps=steps, batch_size=4, optimizer="sgd", learning_rate=0.1, connection_multiplier=10.0
  )
  return setup.Setup(
    data_dir="",
    cache_dir="",
    num_frames=8,
    image_size=32,
    recipe=how,
    threads=1,
    checkpoint_steps=checkpoint_steps,
    **others,
  )


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
  chosen = _setup(steps, asked)
  assert (chosen.checkpoint_interval, chosen.steps_per_loop) == (interval, loop)


@pytest.mark.parametrize(
  "address", ["grpc://10.0.0.2:8470", "my-tpu", "10.0.0.2", "grpc://localhost:8470"]
)
def test_a_tpu_of_another_machine_is_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  with pytest.raises(cli.UserError, match=f"^--tpu={address} is a TPU of another machine"):
    setup.check_tpu(address)


def test_so_is_one_that_the_environment_names(monkeypatch):
  monkeypatch.setenv("TPU_NAME", "my-tpu")
  with pytest.raises(cli.UserError, match="^TPU_NAME=my-tpu is a TPU of another machine"):
    setup.check_tpu("")


@pytest.mark.parametrize("address", ["local", ""])
def test_a_tpu_of_this_machine_is_not_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  setup.check_tpu(address)


def test_operations_are_deterministic_but_for_tpus():
  assert _setup(40, None).deterministic_ops
  assert not _setup(40, None, deterministic=False).deterministic_ops
  assert not _setup(40, None, distribution_strategy="tpu").deterministic_ops


_OTHERS = {"data_dir": "d", "cache_dir": "c", "threads": 1, "num_gpus": 0, "checkpoint_steps": None}
# What official.train decides by other flags, and what is no flag at all.
_OF_TRAIN = {
  "init_checkpoint",
  "freeze_backbone",
  "freeze_connection_weights",
  "connection_weights",
}
_BY_FLAG = {
  setup._FLAGS.get(field.name, field.name): field
  for kind in (setup.Setup, recipe.Recipe)
  for field in dataclasses.fields(kind)
  if field.name not in {*_OTHERS, "recipe", "steps"}
}


def _value(field: dataclasses.Field):
  return {"str": "x", "int": 7, "float": 0.7, "bool": field.default is False}.get(
    str(field.type).removesuffix(" | None").split("'")[-2 if "'" in str(field.type) else 0], 0.3
  )


def test_flags_describe_every_field():
  flags = {flag: _value(field) for flag, field in _BY_FLAG.items()}
  found = setup.described(flags, steps=9, **_OTHERS)
  told = {**dataclasses.asdict(found), **dataclasses.asdict(found.recipe)}
  assert {flag: told[field.name] for flag, field in _BY_FLAG.items()} == flags
  assert found.recipe.steps == 9


def test_every_field_has_a_flag_whose_default_is_its_own():
  training_flags.FLAGS(["test"])
  flags = {*training_flags.IDENTITY, *training_flags.OPERATION}
  assert set(_BY_FLAG) - _OF_TRAIN == flags
  defaults = training_flags.defaults()
  for flag in flags:
    if _BY_FLAG[flag].default is not dataclasses.MISSING:
      assert defaults[flag] == _BY_FLAG[flag].default, flag


def test_a_run_from_before_there_was_a_flag_has_its_default():
  flags = {
    flag: _value(field) for flag, field in _BY_FLAG.items() if field.default is dataclasses.MISSING
  }
  found = setup.described(flags, steps=9, **_OTHERS)
  for flag, field in _BY_FLAG.items():
    if flag not in flags:
      owner = found if hasattr(found, field.name) else found.recipe
      assert getattr(owner, field.name) == field.default
