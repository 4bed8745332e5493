"""Flags of a training, and what they mean."""

import json

from absl import flags
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.training import config
from official.training import flags as training_flags

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


def _described(*arguments: str, program: str = config.TRAIN) -> config.Training:
  given = flags.FlagValues()
  training_flags.define(program, into=given)
  given([program, "--data_dir=data", *arguments])
  return training_flags.read(program, given=given)


def _resolved(*arguments: str) -> config.Training:
  return config.resolved(_described(*arguments), _INFO, "run")


def test_the_paper_s_values_are_defaults_that_flags_override():
  found = _described("--recipe=paper", "--train_steps=7", "--num_frames=16")
  assert (found.schedule.train_steps, found.data.num_frames) == (7, 16)
  assert (found.schedule.batch_size, found.optimizer.learning_rate) == (512, 3.2)
  assert (found.schedule.warmup_fraction, found.loss.label_smoothing) == (0.24, 0.2)
  assert (found.optimizer.weight_decay, found.data.image_size) == (1e-4, 224)


def test_the_paper_s_learning_rate_is_scaled_with_a_batch_that_is_given():
  found = _described("--recipe=paper", "--batch_size=64")
  assert found.optimizer.learning_rate == pytest.approx(0.4)


def test_a_learning_rate_that_is_given_is_taken_as_it_is():
  found = _described("--recipe=paper", "--batch_size=64", "--learning_rate=1.5")
  assert found.optimizer.learning_rate == 1.5


def test_class_weights_of_a_file_are_in_the_order_of_the_classes(tmp_path):
  path = tmp_path / "weights.json"
  path.write_text(json.dumps({"hug": 3, "kick": 0.5}))
  assert _resolved(f"--class_weights={path}").loss.class_weights == "[0.5, 1.0, 3.0]"


def test_a_training_has_what_the_flags_say():
  found = _described(
    "--train_steps=7",
    "--warmup_fraction=0.5",
    "--gradient_clip_norm=2",
    "--pooling=max",
    "--precision=bfloat16",
    "--class_weights=balanced",
    "--gradient_checkpointing",
    "--nohorizontal_flip",
  )
  expected = config.of(
    data_dir="data",
    train_steps=7,
    warmup_fraction=0.5,
    gradient_clip_norm=2.0,
    pooling="max",
    precision="bfloat16",
    class_weights="balanced",
    gradient_checkpointing=True,
    horizontal_flip=False,
  )
  assert found == expected


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
  with pytest.raises(cli.UserError, match=message):
    _resolved(f"--class_weights={path}")


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
  start = _resolved(f"--init_checkpoint={tmp_path}").start
  assert start.init_checkpoint == str(tmp_path / found)


def test_first_weights_may_be_one_checkpoint(tmp_path):
  (tmp_path / "ckpt-20.index").touch()
  start = _resolved(f"--init_checkpoint={tmp_path}/ckpt-20").start
  assert start.init_checkpoint == f"{tmp_path}/ckpt-20"


def test_a_folder_without_weights_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match="--init_checkpoint=.* has no checkpoint; give the"):
    _resolved(f"--init_checkpoint={tmp_path}")


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["--ema_decay=1"], "--ema_decay=1.0 is out of range; give a number between 0 and 1"),
    (["--ema_decay=0.9", "--precision=float16"], "--precision=float16 scales the loss, which"),
    (["--gradient_clip_norm=0"], "--gradient_clip_norm=0.0 is out of range; give a number above 0"),
    (
      ["--min_crop_area=0"],
      "--min_crop_area=0.0 is out of range; give a share of a frame's area, ",
    ),
    (["--batch_size=0"], "--batch_size=0 is out of range; give a number of at least 1"),
    (["--num_gpus=-1"], "--num_gpus=-1 is out of range; give a number of at least 0"),
    (["--weight_decay=nan"], "--weight_decay=nan is out of range; give a number of at least 0"),
    (["--data_dir="], "--data_dir is missing (Folder made by data_prep.extract: "),
    (["--freeze_backbone"], "--freeze_backbone without --init_checkpoint keeps random weights"),
  ],
)
def test_what_no_training_can_have_is_refused(arguments, message):
  with pytest.raises(cli.UserError) as refused:
    _described(*arguments)
  assert str(refused.value).startswith(message)


def test_absl_refuses_what_is_out_of_a_closed_range():
  with pytest.raises(flags.IllegalFlagValueError, match="label_smoothing"):
    _described("--label_smoothing=1.5")


def test_a_search_has_no_flags_of_a_fine_tuning():
  with pytest.raises(flags.UnrecognizedFlagError):
    _described("--init_checkpoint=a", program=config.EVOLVE)
  assert _described("--pooling=max", program=config.EVOLVE).network.pooling == "max"
