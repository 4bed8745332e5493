import pytest

from data_prep.common import cli
from official.architecture import network_version
from official.runs import identity

RECORDED = {"seed": 1, "optimizer": "sgd", "search_space": {"name": "small", "min_depth": 4}}


def test_the_same_identity_is_let_pass():
  identity.check(RECORDED, dict(RECORDED), "runs/a")


def test_another_identity_is_refused_by_flag_and_values():
  with pytest.raises(cli.UserError) as error:
    identity.check(RECORDED, {**RECORDED, "seed": 2}, "runs/a")
  assert str(error.value) == (
    "runs/a belongs to another run: --seed was 1 and is 2 now; "
    "give the flags it was made with, or another --model_dir"
  )


def test_every_differing_flag_is_named():
  with pytest.raises(cli.UserError, match="--optimizer was sgd and is adamw now; --seed was 1"):
    identity.check(RECORDED, {**RECORDED, "seed": 2, "optimizer": "adamw"}, "runs/a")


def test_another_space_is_refused_by_the_field_that_differs():
  space = {"name": "small", "min_depth": 3}
  with pytest.raises(cli.UserError, match="--search_space was made with min_depth 4 and has 3 now"):
    identity.check(RECORDED, {**RECORDED, "search_space": space}, "runs/a")


def test_a_flag_that_the_run_does_not_know_is_named():
  with pytest.raises(cli.UserError, match="--sensitivity_drop was null and is weakest now"):
    identity.check(RECORDED, {**RECORDED, "sensitivity_drop": "weakest"}, "runs/a")


def test_a_run_from_before_there_was_a_flag_goes_on_at_its_default():
  asked = {
    **RECORDED,
    "pooling": "average",
    "search_space": {"name": "small", "min_depth": 4, "max_operators": 4},
  }
  defaults = {"pooling": "average", "search_space": {"max_operators": 4}}
  identity.check(RECORDED, asked, "runs/a", defaults)
  with pytest.raises(cli.UserError, match="--pooling was average and is max now"):
    identity.check(RECORDED, {**asked, "pooling": "max"}, "runs/a", defaults)


def test_a_run_of_other_networks_is_refused_in_their_name():
  with pytest.raises(
    cli.UserError,
    match="^runs/a has weights of network version 1, and this "
    "program .*; give another --model_dir$",
  ):
    identity.check(RECORDED, {**RECORDED, "network_version": 2}, "runs/a")


def test_a_run_of_the_same_networks_is_let_pass():
  both = {**RECORDED, "network_version": network_version.CURRENT}
  identity.check(both, dict(both), "runs/a")
