"""The training of a candidate on cross-validation folds: what it reads, and who says which fold."""

import types

import pytest

from official.training import candidate_trainer
from official.training import clip_task
from official.training import config
from official.training import experiment


def _ids(sample_dataset, cache_dir, split, **folds):
  data = clip_task.ClipData(data_dir=sample_dataset, cache_dir=str(cache_dir), split=split, **folds)
  task = clip_task.ClipTask(clip_task.ClipTaskConfig(train_data=data))
  return {video.id for video in task.store(data).videos}


def test_a_training_reads_all_folds_but_the_one_that_judges_it(sample_dataset, tmp_path):
  everything = _ids(sample_dataset, tmp_path, "train") | _ids(
    sample_dataset, tmp_path, "validation"
  )
  test = _ids(sample_dataset, tmp_path, "test")
  judges = []
  for fold in range(3):
    folds = {"folds": 3, "fold": fold, "fold_seed": 1}
    learned = _ids(sample_dataset, tmp_path, "train", **folds)
    judged = _ids(sample_dataset, tmp_path, "validation", **folds)
    assert not learned & judged and learned | judged == everything
    assert _ids(sample_dataset, tmp_path, "test", **folds) == test
    judges.append(judged)
  assert set.union(*judges) == everything and not judges[0] & judges[1]


@pytest.mark.parametrize("candidate, fold", [({"fold": 2}, 2), ({}, 0)])
def test_the_candidate_says_which_fold_judges_it(monkeypatch, tmp_path, candidate, fold):
  seen = []

  def train(setup, *args, **kwargs):
    seen.append((setup.data.folds, setup.data.fold))
    raise FloatingPointError("seen")

  monkeypatch.setattr(experiment, "train", train)
  evaluator = candidate_trainer.TrainingEvaluator(setup=config.of(data_dir="data", folds=3))
  candidate = {"architecture": {}, "seed": 1, **candidate}
  assert evaluator(types.MappingProxyType(candidate), str(tmp_path))["status"] == "infeasible"
  assert seen == [(3, fold)]
