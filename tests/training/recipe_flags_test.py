"""Flags of a recipe, and what they mean to a training."""

import json

from absl import flags
from absl.testing import flagsaver
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.training import flags as training_flags
from official.training import recipe_flags

FLAGS = flags.FLAGS

_INFO = metadata.DatasetInfo(
  classes=("kick", "push", "hug"),
  streams={},
  fps=10.0,
  short_side=40,
  splits=dict.fromkeys(metadata.SPLITS, metadata.SplitInfo(clips=0, frames=0, shards=0)),
  failures=0,
  multi_label=False,
  manifest_sha256="",
  settings={},
  versions={},
)


@pytest.fixture(autouse=True)
def _unchanged_flags():
  with flagsaver.flagsaver():
    yield


def _parse(*arguments: str) -> None:
  FLAGS(["train", *arguments])


def test_the_paper_s_values_are_defaults_that_flags_override():
  _parse("--recipe=paper", "--train_steps=7", "--num_frames=16")
  recipe_flags.take_defaults()
  assert (FLAGS.train_steps, FLAGS.num_frames) == (7, 16)
  assert (FLAGS.batch_size, FLAGS.learning_rate, FLAGS.warmup_fraction) == (512, 3.2, 0.24)
  assert (FLAGS.label_smoothing, FLAGS.weight_decay, FLAGS.image_size) == (0.2, 1e-4, 224)


def test_the_paper_s_learning_rate_is_scaled_with_a_batch_that_is_given():
  _parse("--recipe=paper", "--batch_size=64")
  recipe_flags.take_defaults()
  assert FLAGS.learning_rate == pytest.approx(0.4)


def test_a_learning_rate_that_is_given_is_taken_as_it_is():
  _parse("--recipe=paper", "--batch_size=64", "--learning_rate=1.5")
  recipe_flags.take_defaults()
  assert FLAGS.learning_rate == 1.5


def test_class_weights_of_a_file_are_in_the_order_of_the_classes(tmp_path):
  path = tmp_path / "weights.json"
  path.write_text(json.dumps({"hug": 3, "kick": 0.5}))
  _parse(f"--class_weights={path}")
  assert training_flags.identity(_INFO)["class_weights"] == "[0.5, 1.0, 3.0]"


def test_what_the_flags_say_of_the_recipe_is_that_of_a_setup(tmp_path):
  metadata.save(_INFO, str(tmp_path))
  _parse(
    "--warmup_fraction=0.5",
    "--gradient_clip_norm=2",
    "--ema_decay=0.9",
    "--pooling=max",
    "--precision=bfloat16",
    "--class_weights=balanced",
    "--gradient_checkpointing",
  )
  how = training_flags.setup(str(tmp_path), str(tmp_path), threads=1, gpus=0, steps=7).recipe
  assert (how.steps, how.warmup_fraction, how.gradient_clip_norm, how.ema_decay) == (7, 0.5, 2, 0.9)
  assert (how.pooling, how.precision, how.class_weights) == ("max", "bfloat16", "balanced")
  assert how.gradient_checkpointing


@pytest.mark.parametrize(
  "content, message",
  [
    ('{"shove": 2}', "names shove, and the classes are kick, push, hug"),
    ("[1, 2]", "is neither balanced nor a JSON file of a factor for each class"),
    (None, "is neither balanced nor a JSON file of a factor for each class"),
  ],
)
def test_class_weights_that_fit_no_class_are_refused(tmp_path, content, message):
  path = tmp_path / "weights.json"
  if content is not None:
    path.write_text(content)
  _parse(f"--class_weights={path}")
  with pytest.raises(cli.UserError, match=message):
    training_flags.identity(_INFO)


@pytest.mark.parametrize(
  "made, found",
  [
    (["weights/final.index", "training/checkpoint"], "weights/final"),
    (["training/checkpoint"], "training"),
    (["checkpoint"], ""),
  ],
)
def test_first_weights_are_found_in_the_folder_of_a_training(tmp_path, made, found):
  for name in made:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  _parse(f"--init_checkpoint={tmp_path}")
  assert recipe_flags.values()["init_checkpoint"] == str(tmp_path / found)


def test_first_weights_may_be_one_checkpoint(tmp_path):
  (tmp_path / "ckpt-20.index").touch()
  _parse(f"--init_checkpoint={tmp_path}/ckpt-20")
  assert recipe_flags.values()["init_checkpoint"] == f"{tmp_path}/ckpt-20"


def test_a_folder_without_weights_is_refused(tmp_path):
  _parse(f"--init_checkpoint={tmp_path}")
  with pytest.raises(cli.UserError, match="--init_checkpoint=.* has no checkpoint; give the"):
    recipe_flags.values()


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["--ema_decay=1"], "--ema_decay=1.0 is out of range; give a number between 0 and 1"),
    (["--ema_decay=0.9", "--precision=float16"], "--precision=float16 scales the loss, which"),
    (["--gradient_clip_norm=0"], "--gradient_clip_norm=0.0 is out of range; give a number above 0"),
    (["--freeze_backbone"], "--freeze_backbone without --init_checkpoint keeps random weights"),
  ],
)
def test_what_no_training_can_have_is_refused(arguments, message):
  _parse("--data_dir=data", *arguments)
  with pytest.raises(cli.UserError, match=message):
    training_flags.check()
    recipe_flags.check()


@pytest.mark.parametrize("flags, expected", [([], True), (["--deterministic=false"], False)])
def test_every_training_is_deterministic_unless_told_otherwise(tmp_path, flags, expected):
  metadata.save(_INFO, str(tmp_path))
  _parse(*flags)
  assert training_flags.setup(str(tmp_path), "run", 1, 0, 10).deterministic is expected
  assert training_flags.identity(_INFO)["deterministic"] is expected
