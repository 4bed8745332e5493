"""The task of a training: --task, what is recorded of it, and what a dataset cannot answer."""

import dataclasses

from absl import flags
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.architecture import presets
from official.architecture import space
from official.programs import architecture_training
from official.programs import network_search
from official.tasks import contract
from official.tasks import registry
from official.training import config
from official.training import flags as training_flags

_RGB = StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")
_INFO = metadata.DatasetInfo(
  classes=("kick", "push", "hug"),
  streams={"rgb": _RGB},
  fps=10.0,
  short_side=40,
  splits=dict.fromkeys(metadata.SPLITS, metadata.SplitInfo(clips=1, frames=1, shards=1)),
  failures=0,
  multi_label=False,
  manifest_sha256="",
  settings={},
  versions={},
)
_SEVERAL = dataclasses.replace(_INFO, multi_label=True)
_UNLABELLED = dataclasses.replace(_INFO, classes=())
_SMALL = dataclasses.replace(_RGB, scale=0.5)
_CODED = dataclasses.replace(_INFO, streams={"rgb": _RGB, "degraded": _RGB, "small": _SMALL})


def _resolved(info: metadata.DatasetInfo, *arguments: str) -> config.Training:
  given = flags.FlagValues()
  training_flags.define(config.TRAIN, into=given)
  given(["train", "--data_dir=data", *arguments])
  return config.resolved(training_flags.read(config.TRAIN, given=given), info, "run")


@pytest.mark.parametrize("program", [config.EVOLVE, config.TRAIN])
def test_a_task_that_the_dataset_has_by_itself_is_recorded_nowhere(program):
  for arguments in ((), ("--task=classification",)):
    training = _resolved(_INFO, *arguments)
    assert "task" not in config.identity(training, program)
    assert "task" not in config.card(training)


def test_another_task_than_the_dataset_s_is_recorded_and_restored():
  training = _resolved(_INFO, "--task=multi_label")
  identity = config.identity(training, config.EVOLVE)
  assert identity["task"] == config.card(training)["task"] == "multi_label"
  restored = config.restored(identity, config.Training, data_dir="data", train_steps=1)
  assert restored.loss.task == "multi_label"


def test_frames_may_be_restored_from_a_stream_of_the_dataset():
  training = _resolved(_CODED, "--task=restoration", "--degrade=stream:degraded")
  assert training.data.degrade == "stream:degraded"


def test_an_unknown_task_is_told_with_the_choices(capsys):
  with pytest.raises(flags.IllegalFlagValueError, match="should be one of <classification"):
    _resolved(_INFO, "--task=dreaming")


@pytest.mark.parametrize(
  ("info", "arguments", "message"),
  [
    (_SEVERAL, ["--task=classification"], "^`task`=classification, and data has clips with sev"),
    (_UNLABELLED, ["--task=classification"], "^`task`=classification, and data has no labels; "),
    (
      _UNLABELLED,
      [],
      "^data has no labels, and `task`=restoration, which is its task, needs `degrade`, what makes "
      "frames worse; give `degrade`=bicubic:2, for example; to learn classes, give the manifest a "
      "column `label` and prepare it again$",
    ),
    (_INFO, ["--task=restoration"], "^`task`=restoration needs `degrade`, what makes frames worse"),
    (_INFO, ["--degrade=jpeg:10"], "^`degrade`=jpeg:10 is for frames to be restored, and the task"),
    (_INFO, ["--loss=l1"], "^`loss`=l1 is none of the task classification; leave it out$"),
    (
      _INFO,
      ["--task=restoration", "--degrade=bicubic:3"],
      "shrinks frames by 3, which does not divide `image_size`=32; give `image_size`=30$",
    ),
    (
      _INFO,
      ["--task=restoration", "--degrade=stream:degraded"],
      "^`degrade`=stream:degraded: the dataset has no stream 'degraded' of .* .it has none.; py",
    ),
    (
      _CODED,
      ["--task=restoration", "--degrade=stream:small"],
      "has no stream 'small' of images of the frames' size .it has degraded.; python -m data_prep",
    ),
    (
      _INFO,
      ["--task=restoration", "--degrade=jpeg:10", "--label_smoothing=0.1"],
      "^`label_smoothing`=0.1 is for tasks of labels, and the task is restoration; leave it out$",
    ),
    (
      _INFO,
      ["--task=restoration", "--degrade=jpeg:10", "--min_crop_area=0.5"],
      "^`min_crop_area`=0.5 resizes frames, whose details are what",
    ),
    (
      _INFO,
      ["--task=restoration", "--degrade=jpeg:10", "--image_size=48"],
      "^`image_size`=48 is more than the 40 pixels of the dataset's shorter side, and frames are",
    ),
    (
      _INFO,
      ["--task=multi_label", "--class_weights=balanced"],
      "^`class_weights`=balanced is for one label a clip, and clips here have several; leave it",
    ),
  ],
)
def test_what_a_dataset_cannot_answer_is_refused(info, arguments, message):
  with pytest.raises(cli.UserError, match=message):
    _resolved(info, *arguments)


@pytest.mark.parametrize(
  ("target", "fault"),
  [
    (contract.Self(), "has no stream rgb, whose frames are the target"),
    (
      contract.Stream(name="mask", kind="mask"),
      "has no stream mask of the kind mask, which is the target",
    ),
  ],
)
def test_a_target_that_is_a_stream_has_to_be_there(target, fault):
  spec = dataclasses.replace(registry.get("classification"), name="toy", target=target)
  with pytest.raises(cli.UserError, match=f"^`task`=toy, and D {fault}"):
    spec.check(dataclasses.replace(_INFO, streams={}), "D")


def test_a_search_for_a_named_task_maximises_the_first_fitness_of_that_task(monkeypatch):
  monkeypatch.setattr(metadata, "load", lambda directory: _INFO)
  for task, fitness in (("", "accuracy"), ("multi_label", "mean_average_precision")):
    search, _ = network_search.prepared(
      config.of(data_dir="data", task=task), space.load_space("small"), {}, model_dir="run"
    )
    assert search.settings.fitness == fitness
  with pytest.raises(cli.UserError, match="^the task is multi_label, for which there is no accu"):
    network_search.prepared(
      config.of(data_dir="data", task="multi_label"),
      space.load_space("small"),
      {"fitness": "accuracy"},
      model_dir="run",
    )


_FLOW = StreamInfo(kind="flow", channels=2, feature="flow/encoded", format="png", bound=20.0)


def test_a_search_space_that_reads_more_than_the_frames_to_be_restored_is_refused(monkeypatch):
  info = dataclasses.replace(_INFO, streams={"rgb": _RGB, "flow": _FLOW})
  monkeypatch.setattr(metadata, "load", lambda directory: info)
  training = config.of(data_dir="data", task="restoration", degrade="bicubic:2")
  with pytest.raises(cli.UserError) as error:
    network_search.prepared(training, space.load_space("small"), {}, model_dir="run")
  assert str(error.value) == (
    "the search space 'small' reads the stream flow, which was computed from frames that were not "
    "degraded and would give them away; choose one that reads rgb alone, such as of "
    "--search_space=restoration, or give `flow`=in_graph, which computes it from the degraded ones"
  )
  found, _ = network_search.prepared(training, space.load_space("restoration"), {}, model_dir="run")
  assert found.space.streams == ("rgb",)


@pytest.mark.parametrize("there", [{"rgb": _RGB}, {"rgb": _RGB, "flow": _FLOW}])
def test_flow_of_the_frames_to_be_restored_may_be_computed(there, monkeypatch):
  monkeypatch.setattr(metadata, "load", lambda directory: dataclasses.replace(_INFO, streams=there))
  training = config.of(data_dir="data", task="restoration", degrade="bicubic:2", flow="in_graph")
  found, _ = network_search.prepared(training, space.load_space("small"), {}, model_dir="run")
  assert found.space.streams == ("flow", "rgb")


def test_what_a_dataset_without_labels_is_for_is_told_before_what_a_search_space_reads(monkeypatch):
  info = dataclasses.replace(_UNLABELLED, streams={"rgb": _RGB, "flow": _FLOW})
  monkeypatch.setattr(metadata, "load", lambda directory: info)
  with pytest.raises(cli.UserError, match="^data has no labels, and `task`=restoration, which is"):
    network_search.prepared(
      config.of(data_dir="data"), space.load_space("small"), {}, model_dir="run"
    )


def test_an_architecture_that_reads_more_than_the_frames_to_be_restored_is_refused():
  info = dataclasses.replace(_INFO, streams={"rgb": _RGB, "flow": _FLOW})
  training = config.of(data_dir="data", task="restoration", degrade="bicubic:2")
  both = presets.load("assemblenet-50").architecture
  with pytest.raises(cli.UserError, match="^--architecture=A reads the stream flow, which was com"):
    architecture_training.check_streams(both, training, info, "A")
  architecture_training.check_streams(both, config.of(data_dir="data"), info, "A")


def test_what_makes_frames_worse_is_recorded_and_shapes_the_network():
  training = _resolved(_INFO, "--task=restoration", "--degrade=bicubic:4", "--loss=l1")
  identity = config.identity(training, config.TRAIN)
  found = {name: identity[name] for name in ("task", "degrade", "loss")}
  assert found == {"task": "restoration", "degrade": "bicubic:4", "loss": "l1"}
  clip = config.clip(training, _INFO)
  assert (clip.height, clip.output) == (8, (8, 32, 32, 3))


def test_a_pooling_over_time_is_refused_where_every_pixel_gets_an_answer():
  flags_of_task = ("--task=restoration", "--degrade=bicubic:2")
  with pytest.raises(cli.UserError) as error:
    _resolved(_INFO, *flags_of_task, "--pooling=max")
  assert str(error.value) == (
    "`pooling`=max is for networks that answer once per clip, and those of the task restoration "
    "answer for every pixel; leave it out"
  )
  assert _resolved(_INFO, *flags_of_task).network.pooling == "average"
