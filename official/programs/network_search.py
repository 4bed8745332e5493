"""A search from a description of its trainings: the program behind official.evolve.

This is the one place where the search meets official.training.
"""

from collections.abc import Mapping
import dataclasses
import functools
import os
import tempfile
from typing import Any

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import network_version
from official.architecture.space import SearchSpace
from official.inputs import usable
from official.programs import run_page
from official.runs import executors
from official.runs import fitness
from official.search import application
from official.search import few_clips
from official.search import objectives
from official.search import rungs
from official.search.settings import SearchSettings
from official.tasks import contract
from official.training import config
from official.training import score_names

# What a worker needs, imported once by the server that workers are forked from.
_PRELOAD = ("official.training.experiment",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
  """A search that can be run.

  Attributes:
    training: How a candidate is trained, but for its steps.
    settings: Numbers of the search.
    space: What architectures are drawn from.
    model_dir: Folder of the run; absolute, or a URL.
    candidate_steps: Training steps of a candidate.
    final_steps: Training steps of the winner.
    executor: Name of who runs candidates.
    ray_address: Address of a running Ray cluster, for the executor ray.
    threads_per_candidate: CPU threads of one operation; None for a share of the cores.
    gpus_per_candidate: GPUs of a training; None for what there is.
    start_from: Folder of an earlier run, whose best architectures are the first candidates.
    imports: Modules from outside the tree that workers import.
    scores: Names of the scores that candidates get besides, as --scores takes them; None for none.
  """

  training: config.Training
  settings: SearchSettings
  space: SearchSpace
  model_dir: str
  candidate_steps: int = 200
  final_steps: int = 1000
  executor: str = "local"
  ray_address: str | None = None
  threads_per_candidate: int | None = None
  gpus_per_candidate: int | None = None
  start_from: str | None = None
  imports: tuple[str, ...] = ()
  scores: str | None = None

  def __post_init__(self) -> None:
    score_names.parse(self.scores)
    for name in ("candidate_steps", "final_steps"):
      cli.at_least(name, getattr(self, name), 1)
    for name, least in (("gpus_per_candidate", 0), ("threads_per_candidate", 1)):
      if getattr(self, name) is not None:
        cli.at_least(name, getattr(self, name), least)
    if self.training.devices.distribution_strategy == "multi_worker_mirrored":
      raise cli.UserError(
        "--distribution_strategy=multi_worker_mirrored, and a candidate trains on one machine; for "
        "several machines, which train several candidates, give --executor=ray"
      )
    if self.executor == "inline" and self.settings.candidate_timeout is not None:
      raise cli.UserError(
        "--executor=inline cannot end a candidate after "
        f"--candidate_timeout={self.settings.candidate_timeout}; leave it out, or give "
        "--executor=local"
      )

  @property
  def threads(self) -> int:
    """CPU threads of a candidate."""
    return application.threads(self.model_dir, self.threads_per_candidate, self.settings.workers)

  @property
  def gpus(self) -> int:
    """GPUs of a candidate."""
    return self._gpus(self.gpus_per_candidate)

  def _gpus(self, asked: int | None) -> int:
    return application.gpus(
      self.model_dir,
      asked,
      self.settings.workers,
      several=self.training.devices.distribution_strategy == "mirrored",
    )

  def defaults(self) -> dict[str, object]:
    """Returns, by flag, what a run has which was begun before there was such a flag."""
    return {
      **config.defaults(),
      "threads_per_candidate": application.threads(self.model_dir, None, self.settings.workers),
      "gpus_per_candidate": self._gpus(None),
    }


def prepared(
  training: config.Training,
  space: SearchSpace,
  settings: Mapping[str, Any],
  **others: Any,
) -> tuple[Search, metadata.DatasetInfo]:
  """Returns a search, and the dataset on which it can be run.

  Args:
    training: How a candidate is trained, but for its steps.
    space: What architectures are drawn from; what needs streams that the dataset lacks is left out.
    settings: Fields of SearchSettings; without `fitness`, it is the task's; of `max_operators`,
      None is the space's, and `rungs` may have fractions of R, the steps of a candidate.
    **others: Further fields of Search.

  Raises:
    UserError: The dataset cannot be searched on, or a value is out of its range.
  """
  info, spec = _dataset(training)
  asked = settings.get("fitness")
  # The default has always been that of classification for datasets with labels, whatever they say.
  named = bool(training.loss.task) or not info.classes
  chosen = asked or (spec.default_fitness.name if named else fitness.DEFAULT)
  fitness.check(chosen, info, cli.resolve_path(training.data.data_dir), spec)
  space = space.restricted_to(config.streams(training, info))
  network = f"the search space {space.name!r}"
  config.check_reads(training, info, space.streams, network=network)
  stems = [stem.streams for stems in space.stems for stem in stems]
  config.check_joined(training, info, stems, network=network)
  numbers = {**settings, "fitness": chosen}
  if numbers.get("max_operators") is None:
    numbers["max_operators"] = space.max_operators
  if numbers.get("rungs") is not None:
    steps = others.get("candidate_steps", Search.candidate_steps)
    numbers["rungs"] = rungs.resolved(numbers["rungs"], steps)
  found = Search(training=training, settings=SearchSettings(**numbers), space=space, **others)
  _check_folds(found.settings.folds, info)
  return found, info


def _check_folds(folds: int | None, info: metadata.DatasetInfo) -> None:
  """Raises UserError where there are more folds than clips to be dealt to them."""
  clips = info.splits["train"].clips + info.splits["validation"].clips
  if folds and folds > clips:
    raise cli.UserError(
      f"--folds={folds} is above the {clips} clips of train and validation; give a smaller number"
    )


def _dataset(training: config.Training) -> tuple[metadata.DatasetInfo, contract.Spec]:
  """Returns the dataset of a search, and the task; raises UserError where it cannot be searched."""
  data_dir = cli.resolve_path(training.data.data_dir)
  info = metadata.load(data_dir)
  usable.check(info, data_dir, ["train", "validation"])
  return info, config.checked_task(training, info)


def run(search: Search, info: metadata.DatasetInfo) -> int:
  """Searches, or resumes; returns the exit status (search/application.py).

  Raises:
    UserError: Something cannot be done as asked, or the environment is at fault.
  """
  threads, gpus = search.threads, search.gpus
  training = config.replace(
    search.training,
    threads=threads,
    num_gpus=gpus,
    also_measured=fitness.requested(search.settings.fitness),
  )
  clip, spec = config.clip(training, info), config.checked_task(training, info)
  training = config.resolved(training, info, search.model_dir)
  status = application.run(
    model_dir=search.model_dir,
    space=search.space,
    settings=search.settings,
    clip=clip,
    executor=_executor(search, threads, gpus),
    trainings=lambda: _trainings(search, training),
    identity={
      "network_version": network_version.CURRENT,
      "data_dir": info.fingerprint,
      "candidate_steps": search.candidate_steps,
      **config.identity(training, config.EVOLVE),
      "threads_per_candidate": threads,
      "gpus_per_candidate": gpus,
    },
    operation={"executor": search.executor, "data_dir": training.data.data_dir},
    final_settings={"final_steps": search.final_steps},
    start_from=search.start_from,
    defaults=search.defaults(),
    advice=few_clips.advice(
      search.settings,
      info.splits["validation"].clips,
      has_margin=any(each.name == "margin" for each in spec.fitness),
    ),
  )
  if status in (0, 1):  # Not after a signal, which wants the program to end.
    run_page.write(search.model_dir)
  return status


def dry_run(search: Search, info: metadata.DatasetInfo) -> int:
  """Says what a search would take (search/dry_run.py); returns the exit status.

  Raises:
    UserError: Something cannot be done as asked.
  """
  from official.training import probe

  threads, gpus = search.threads, search.gpus
  training = config.replace(
    search.training, threads=threads, num_gpus=gpus, train_steps=search.candidate_steps
  )
  clip: cost.Clip = config.clip(training, info)
  with tempfile.TemporaryDirectory() as folder:  # For a cache that --data_dir has no place for.
    setup = config.resolved(training, info, folder)
    return application.dry_run(
      space=search.space,
      settings=search.settings,
      clip=clip,
      executor=_executor(search, threads, gpus),
      candidate_steps=search.candidate_steps,
      final_steps=search.final_steps,
      start_from=search.start_from,
      probe=probe.Probe(setup=setup, workers=search.settings.workers),
    )


def _executor(search: Search, threads: int, gpus: int) -> functools.partial:
  return functools.partial(
    executors.make,
    search.executor,
    workers=search.settings.workers,
    threads=threads,
    gpus_per_candidate=gpus,
    ray_address=search.ray_address,
    preload=_PRELOAD,
    imports=search.imports,
  )


def _trainings(search: Search, training: config.Training) -> application.Trainings:
  """Returns what workers do."""
  from official.training import candidate_trainer
  from official.training import ensemble
  from official.training import final_trainer

  to_the_end = config.replace(training, train_steps=search.final_steps)
  model_dir, export_dir = search.model_dir, os.path.join(search.model_dir, "export")
  latency = objectives.LATENCY in search.settings.costs
  elsewhere = search.executor == "ray" and search.ray_address  # Nodes do not see our folders.
  return application.Trainings(
    check=None if elsewhere else candidate_trainer.Check(setup=to_the_end),
    candidate=candidate_trainer.TrainingEvaluator(
      setup=_of_candidates(search, training),
      latency=latency,
      sensitivities=search.settings.reads("sensitivities"),
      scores=score_names.parse(search.scores),
    ),
    final=final_trainer.FinalTraining(
      setup=to_the_end,
      export_dir=export_dir if search.settings.trains_one else None,
      model_dir=model_dir,
      latency=latency,
    ),
    joining=ensemble.EnsembleExport(setup=to_the_end, export_dir=export_dir, model_dir=model_dir),
  )


def _of_candidates(search: Search, training: config.Training) -> config.Training:
  """Returns the training of a candidate to its last step, judged at rungs on its way or not."""
  *lower, last = search.settings.rung_steps or (search.candidate_steps,)
  training = config.replace(
    training, folds=search.settings.folds or 0, fold_seed=search.settings.seed
  )
  if not lower:
    return config.replace(training, train_steps=last)
  restart = search.settings.rung_schedule == "restart"
  return config.replace(
    training,
    train_steps=last,
    restart_steps=",".join(map(str, lower)) if restart else "",
    batch_norm_steps=lower[0],
  )
