"""A training that is judged at rungs on its way, on the real trainer."""

import pathlib

import pytest
import tensorflow as tf

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import candidate_trainer
from official.training import config

_ARCHITECTURE = Architecture(
  (
    Block(id="rgb_0", kind="stem_2plus1d", streams=("rgb",), level=0, channels=4, spatial_stride=2),
    Block(id="flow_0", kind="stem_2d", streams=("flow",), level=0, channels=4, spatial_stride=2),
    Block(id="level1_0", kind="basic_2plus1d", level=1, channels=4, spatial_stride=2),
  ),
  (Connection("flow_0", "level1_0"), Connection("rgb_0", "level1_0")),
)
_CANDIDATE = {"architecture": serialization.to_json(_ARCHITECTURE), "seed": 1}


def _variables(folder: pathlib.Path) -> dict:
  reader = tf.train.load_checkpoint(str(folder / "training"))
  return {
    name: reader.get_tensor(name).tolist()
    for name in reader.get_variable_to_shape_map()
    if not name.startswith(("_CHECKPOINTABLE", "save_counter"))
  }


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"restart_steps": "3,9"}, {"ema_decay": 0.5}])
def test_promoted_over_three_rungs_it_equals_a_training_without_a_stop(
  sample_dataset, tmp_path, how
):
  evaluate = candidate_trainer.TrainingEvaluator(
    sensitivities=True,
    setup=config.of(
      data_dir=sample_dataset,
      cache_dir=str(tmp_path / "cache"),
      num_frames=4,
      image_size=16,
      batch_size=4,
      train_steps=15,
      batch_norm_steps=3,
      **how,
    ),
  )
  stopped, whole = tmp_path / "stopped", tmp_path / "whole"
  for folder in (stopped, whole):
    folder.mkdir()
  results = [
    evaluate({**_CANDIDATE, **stop}, str(stopped)) for stop in ({"stop_at": 3}, {"stop_at": 9}, {})
  ]
  expected = evaluate(_CANDIDATE, str(whole))
  assert {**results[2], "timing": 0} == {**expected, "timing": 0}
  assert _variables(stopped) == _variables(whole)
  assert len({result["metrics"]["loss"] for result in results}) == 3
  assert ["sensitivities" in result for result in results] == [False, False, True]
