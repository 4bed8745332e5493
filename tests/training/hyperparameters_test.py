"""Model Garden's configurations: views of the description of a training."""

import dataclasses

from official.modeling import hyperparams
import pytest

from official.inputs import views
from official.layers import head
from official.training import clip_task
from official.training import config
from official.training import hyperparameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Augmentation(config.Augmentation):
  blur: float | None = config.knob(None, "Blurs training clips.", above=0)


def test_a_new_knob_is_a_field_that_yaml_can_set():
  kind = hyperparameters.derived("Clips", config.Data, _Augmentation)
  assert issubclass(kind, hyperparams.Config) and "  blur: Blurs training clips." in kind.__doc__
  made = kind()
  assert made.as_dict() == {
    **dataclasses.asdict(config.Data()),
    **dataclasses.asdict(_Augmentation()),
  }
  made.override({"blur": 0.5, "num_frames": 4})
  assert (made.blur, made.num_frames) == (0.5, 4)
  with pytest.raises(KeyError, match="blurr"):
    made.override({"blurr": 1})


def test_a_field_may_be_chosen():
  kind = hyperparameters.derived("Connections", config.Network, only=("connection_multiplier",))
  assert kind().as_dict() == {"connection_multiplier": 1.0}


def test_a_task_of_a_yaml_keeps_its_types():
  task = clip_task.ClipTaskConfig()
  task.override({"train_data": {"min_crop_area": 0.3}, "model": {"pooling": "max"}})
  assert isinstance(task.train_data, clip_task.ClipData) and task.train_data.min_crop_area == 0.3
  assert task.model.pooling == "max" and task.init_checkpoint == ""


def test_inputs_and_layers_have_the_same_choices_and_defaults():
  varied = dataclasses.asdict(views.Augmentation())
  assert varied == dataclasses.asdict(config.Augmentation())
  (pooling,) = (leaf for leaf in config.leaves() if leaf.name == "pooling")
  assert pooling.knob.choices == head.POOLINGS
