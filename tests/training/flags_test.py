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


def test_the_paper_s_label_smoothing_is_left_out_where_no_labels_are_learned():
  for arguments in (("--task=restoration",), ("--degrade=bicubic:2",)):
    found = _described("--recipe=paper", *arguments)
    assert found.loss.label_smoothing == 0
    assert found.optimizer.weight_decay == 1e-4
  assert _described("--recipe=paper", "--task=segmentation").loss.label_smoothing == 0.2
  found = _described("--recipe=paper", "--task=restoration", "--label_smoothing=0.1")
  assert found.loss.label_smoothing == 0.1  # Typed, so that it is refused when it is resolved.


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
  with pytest.raises(cli.UserError, match="`init_checkpoint`=.* has no checkpoint; give the"):
    _resolved(f"--init_checkpoint={tmp_path}")


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["--ema_decay=1"], "`ema_decay`=1.0 is out of range; give a number between 0 and 1"),
    (["--ema_decay=0.9", "--precision=float16"], "`precision`=float16 scales the loss, which"),
    (["--gradient_clip_norm=0"], "`gradient_clip_norm`=0.0 is out of range; give a number above 0"),
    (
      ["--min_crop_area=0"],
      "`min_crop_area`=0.0 is out of range; give a share of a frame's area, ",
    ),
    (["--batch_size=0"], "`batch_size`=0 is out of range; give a number of at least 1"),
    (["--num_gpus=-1"], "`num_gpus`=-1 is out of range; give a number of at least 0"),
    (["--weight_decay=nan"], "`weight_decay`=nan is out of range; give a number of at least 0"),
    (["--data_dir="], "--data_dir is missing (Folder made by data_prep.extract: "),
    (["--freeze_backbone"], "`freeze_backbone` without `init_checkpoint` keeps random weights"),
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


_YAML = """
data: {data_dir: data, num_frames: 16}
optimizer:
  type: adamw
  learning_rate: 5e-3
  ema_decay: null
augmentation: {horizontal_flip: false}
"""


def _from_yaml(tmp_path, content: str, *arguments: str, program: str = config.TRAIN):
  path = tmp_path / "training.yaml"
  path.write_text(content)
  return _described(f"--config_file={path}", *arguments, program=program)


def test_a_file_overrides_defaults_a_text_the_file_and_flags_both(tmp_path):
  found = _from_yaml(tmp_path, _YAML)
  expected = dict(data_dir="data", num_frames=16, optimizer="adamw", horizontal_flip=False)
  assert found == config.of(**expected, learning_rate=0.005)
  override = "--params_override=optimizer.learning_rate=1e-2,data.num_frames=4"
  found = _from_yaml(tmp_path, _YAML, override, "--num_frames=8")
  assert found == config.of(**{**expected, "num_frames": 8}, learning_rate=0.01)


def test_of_several_files_the_last_one_counts(tmp_path):
  other = tmp_path / "other.yaml"
  other.write_text("schedule: {batch_size: 2}")
  content = "schedule: {batch_size: 4, warmup_fraction: 0.5}"
  found = _from_yaml(tmp_path, content, f"--config_file={other}")
  assert (found.schedule.batch_size, found.schedule.warmup_fraction) == (2, 0.5)


def test_a_file_overrides_a_recipe_and_its_batch_scales_the_rate(tmp_path):
  found = _from_yaml(tmp_path, "schedule: {batch_size: 64}", "--recipe=paper")
  assert (found.schedule.train_steps, found.optimizer.learning_rate) == (50_000, 0.4)


@pytest.mark.parametrize(
  "content, message",
  [
    (
      "optimizer: {learnin_rate: 1}",
      " has optimizer.learnin_rate, which official.train does not know; the nearest is "
      "optimizer.learning_rate",
    ),
    (
      "optimizer: {batch_size: 1}",
      " has optimizer.batch_size, which official.train does not know; the nearest is "
      "schedule.batch_size",
    ),
    ("optimizer: {learning_rate: fast}", ": optimizer.learning_rate is 'fast', and takes a number"),
    ("optimizer: {learning_rate: 0}", ": `learning_rate`=0.0 is out of range; give a number abov"),
    ("batch_size: 4", " has batch_size: 4; a value is within a part, such as `optimizer: {lear"),
    ("- 1", " has no keys; write `optimizer: {learning_rate: 0.05}`"),
    ("a: [", " is no YAML (while parsing"),
  ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, message):
  with pytest.raises(cli.UserError) as refused:
    _from_yaml(tmp_path, content)
  assert str(refused.value).startswith(f"--config_file={tmp_path}/training.yaml{message}")
  assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
  "text, message",
  [
    ("optimizer.type", ": 'optimizer.type' has no value; write part.field=value"),
    ("data.num_frames=8.5", ": data.num_frames is '8.5', and takes a whole number"),
    ("network.head=max", " has network.head, which official.train does not know; the nearest is "),
  ],
)
def test_a_text_of_something_else_is_refused(text, message):
  with pytest.raises(cli.UserError) as refused:
    _described(f"--params_override={text}")
  assert str(refused.value).startswith(f"--params_override={text}{message}")


def test_a_text_may_have_lists_and_null():
  text = "loss.class_weights=[1.0, 2.0, 3.0],optimizer.ema_decay=null,devices.deterministic=false"
  found = _described(f"--params_override={text}", "--recipe=search")
  assert found == config.of(data_dir="data", class_weights="[1.0, 2.0, 3.0]", deterministic=False)


def test_a_file_that_is_not_there_is_refused():
  with pytest.raises(cli.UserError, match="cannot be read .No such file or directory.; give a YA"):
    _described("--config_file=nowhere.yaml")


def test_a_search_takes_no_steps_from_a_file(tmp_path):
  with pytest.raises(cli.UserError, match="train_steps, which official.evolve does not know"):
    _from_yaml(tmp_path, "schedule: {train_steps: 4}", program=config.EVOLVE)
