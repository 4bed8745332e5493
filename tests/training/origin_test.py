"""What a model card tells of a training: what was, whatever machine exports it."""

import json

from official.training import config
from official.training import final_trainer

_EXPORTED = config.of(num_frames=4, image_size=16, train_steps=40)


def test_a_training_without_a_search_tells_its_own_values():
  found = final_trainer.origin(_EXPORTED, seeds=[3], steps=[40], model_dir=None)
  assert found == {"training": {**config.card(_EXPORTED), "seed": 3}, "search": {}}
  assert found["training"]["num_frames"] == 4 and found["training"]["clips_per_video"] == 4


def test_what_a_search_recorded_comes_first_and_is_told_once(tmp_path):
  identity = {
    **config.identity(config.replace(_EXPORTED, distribution_strategy="mirrored"), config.EVOLVE),
    "algorithm": "evolution",
    "search_space": {"name": "small"},
    "candidate_steps": 10,
  }
  (tmp_path / "search.json").write_text(json.dumps({"identity": identity}))
  found = final_trainer.origin(_EXPORTED, seeds=[3, 5], steps=[10, 40], model_dir=str(tmp_path))
  assert found["training"]["distribution_strategy"] == "mirrored"
  assert found["training"]["train_steps"] == "10, 40" and found["training"]["seed"] == "3, 5"
  assert found["search"] == {"algorithm": "evolution", "candidate_steps": 10}
