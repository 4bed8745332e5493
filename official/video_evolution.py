"""The front door for Python users: what the commands do, as functions of values.

    from official import video_evolution as ve

    if __name__ == "__main__":  # Candidates are trained in processes that import this file.
      training = ve.new_training(data_dir="data", num_frames=8)
      run = ve.search(training, "run", space="small", population_size=4, tournament_size=2,
                      rounds=4)
      print(run.best.number, run.best.metrics)
      for answer in ve.predict(run.export, ["videos/checks_rising"]):
        print(answer.path, answer.label, answer.score)

A search or a training gives the same files and the same bits as official.evolve or official.train
with flags of the same names, and resumes in the same way. What is wrong with a value is a UserError
that names the flag. Importing this module imports no TensorFlow; functions do when they need it.
docs/python.md has a longer example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import importlib
import typing
from typing import Any

from data_prep.common.cli import UserError

if typing.TYPE_CHECKING:
  import tensorflow as tf

  from data_prep.dataset.metadata import DatasetInfo
  from data_prep.dataset.stream_kinds.kind import StreamKind
  from official.architecture.architecture import Architecture
  from official.architecture.guidance import Guidance
  from official.architecture.space import SearchSpace
  from official.programs.run_contents import Run
  from official.programs.video_answers import Answer
  from official.tasks.contract import Spec
  from official.training.config import Training

# Classes that are imported when they are first asked for.
_CLASSES = {
  "Answer": "official.programs.video_answers",
  "Run": "official.programs.run_contents",
  "Training": "official.training.config",
}
__all__ = [
  "Answer",
  "Run",
  "Training",
  "UserError",
  "build_network",
  "export",
  "load_architecture",
  "load_dataset",
  "load_run",
  "load_space",
  "new_training",
  "predict",
  "register_guidance",
  "register_kind",
  "register_stream",
  "register_task",
  "search",
  "train",
]


def __getattr__(name: str) -> Any:
  """Imports a class when it is first asked for."""
  if name in _CLASSES:
    return getattr(importlib.import_module(_CLASSES[name]), name)
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def new_training(**values: Any) -> Training:
  """Returns the description of a training, given values by the names of flags.

      >>> training = new_training(data_dir="data", num_frames=16, optimizer="adamw")
      >>> training.data.num_frames, training.optimizer.learning_rate
      (16, 0.1)

  Raises:
    UserError: A value has the wrong type or is out of its range, or two do not go together.
    TypeError: There is no such name.
  """
  from official.training import config

  return config.of(config.Training, **values)


def load_dataset(data_dir: str) -> DatasetInfo:
  """Returns what dataset.json says of a folder made by data_prep.extract.

  >>> load_dataset(data_dir).classes[:2]
  ('checks_falling', 'checks_rising')
  """
  from data_prep.common import cli
  from data_prep.dataset import metadata

  return metadata.load(cli.resolve_path(data_dir))


def load_space(name_or_file: str) -> SearchSpace:
  """Returns a search space: `small`, `restoration`, `segmentation`, `paper`, `patent`, or a file.

  >>> load_space("small").streams
  ('flow', 'rgb')
  """
  from official.architecture import space

  return space.load_space(name_or_file)


def load_architecture(name_or_file: str) -> Architecture:
  """Returns a published architecture, or that of a JSON file or a candidate.json.

  >>> len(load_architecture("assemblenet-50").connections)
  30
  """
  from official.architecture import sources

  return sources.load(name_or_file).architecture


def build_network(
  architecture: Architecture,
  *,
  streams: Mapping[str, int],
  num_frames: int,
  height: int,
  width: int,
  num_classes: int,
  **how: Any,
) -> tf.keras.Model:
  """Returns the Keras model of an architecture; official.network has the other arguments.

  >>> model = build_network(load_architecture("two-stream-late"), streams={"rgb": 3, "flow": 2},
  ...                       num_frames=2, height=32, width=32, num_classes=5)
  >>> model.output_shape
  (None, 5)
  """
  from official import network

  return network.build_network(
    architecture,
    streams=streams,
    num_frames=num_frames,
    height=height,
    width=width,
    num_classes=num_classes,
    **how,
  )


def search(
  training: Training,
  model_dir: str,
  *,
  space: str | SearchSpace = "small",
  candidate_steps: int = 200,
  final_steps: int = 1000,
  executor: str = "local",
  ray_address: str | None = None,
  threads_per_candidate: int | None = None,
  gpus_per_candidate: int | None = None,
  start_from: str | None = None,
  imports: Sequence[str] = (),
  scores: str | None = None,
  **settings: Any,
) -> Run:
  """Searches, or resumes, trains the winner to the end, and exports it, as official.evolve does.

      >>> training = new_training(data_dir=data_dir, num_frames=4, batch_size=4)
      >>> run = search(training, model_dir, population_size=2, tournament_size=1, rounds=1,
      ...              candidate_steps=2, final_steps=2)  # slow
      >>> assert len(run.results) == 3  # slow

  Args:
    training: How a candidate is trained; its steps are `candidate_steps`.
    model_dir: Folder of the run: created, or resumed if it holds one.
    space: A search space, its name, or a JSON file.
    candidate_steps, final_steps: Training steps of a candidate, and of the winner, from scratch.
    executor, ray_address: `local` (a process each), `inline` (this process), or `ray`, and where.
    threads_per_candidate, gpus_per_candidate: Of each training. Default: cores / workers, a GPU.
    start_from: Folder of an earlier run, whose best architectures come first.
    imports, scores: Modules of yours that workers import; scores without training (`all` or names).
    **settings: Fields of official.search.settings.SearchSettings: rounds, workers, seed and so on.

  Raises:
    UserError: Something cannot be done as asked.
    RuntimeError: The search had to stop, and has said why.
  """
  from data_prep.common import cli
  from official.programs import network_search
  from official.runs import extensions

  extensions.load(imports)
  asked, info = network_search.prepared(
    training,
    load_space(space) if isinstance(space, str) else space,
    settings,
    model_dir=cli.plain_path("model_dir", model_dir),
    candidate_steps=candidate_steps,
    final_steps=final_steps,
    executor=executor,
    ray_address=ray_address,
    threads_per_candidate=threads_per_candidate,
    gpus_per_candidate=gpus_per_candidate,
    start_from=start_from and cli.resolve_path(start_from),
    imports=tuple(imports),
    scores=scores,
  )
  _check_status(network_search.run(asked, info), "search", model_dir)
  return load_run(model_dir)


def train(
  architecture: str | Architecture, training: Training, model_dir: str, *, seed: int = 0
) -> str:
  """Trains one architecture, or resumes, as official.train does; returns the exported SavedModel.

      >>> small = load_run(model_dir).architecture(0)  # slow
      >>> training = new_training(data_dir=data_dir, num_frames=4, batch_size=4, train_steps=2)
      >>> exported = train(small, training, trained_dir)  # slow
      >>> exported.endswith("export/1")  # slow
      True

  Args:
    architecture: An architecture, the name of a published one, or a file that has one.
    training: How.
    model_dir: Folder of the training: created, or resumed if it holds one.
    seed: Random seed.

  Raises:
    UserError: Something cannot be done as asked.
    RuntimeError: The training did not succeed, and has said why.
  """
  from data_prep.common import cli
  from official.architecture import sources
  from official.architecture import structure_list
  from official.programs import architecture_training
  from official.runs import json_files
  from official.runs import record_files
  from official.runs.final_records import FinalResult

  if isinstance(architecture, str):
    weighted, source = sources.load(architecture), architecture
  else:
    weighted = structure_list.WeightedArchitecture(architecture=architecture, connection_weights={})
    source = "architecture"
  folder = cli.plain_path("model_dir", model_dir)
  status = architecture_training.run(training, weighted, model_dir=folder, seed=seed, source=source)
  _check_status(status, "training", folder)
  result = record_files.read(json_files.join(folder, "result.json"), FinalResult)
  if result is None or result.export is None:
    raise UserError(f"{folder} has no SavedModel; train again")
  return json_files.join(folder, result.export)


def load_run(model_dir: str) -> Run:
  """Returns what is in the folder of a search, be it alive, dead or finished.

      >>> load_run(model_dir).best.status  # slow
      'ok'

  Raises:
    UserError: The folder is no run, or what is in it is damaged.
  """
  from official.programs import run_contents

  return run_contents.load(model_dir)


def export(
  model_dir: str,
  output_dir: str,
  *,
  candidate: int | None = None,
  ensemble: int | None = None,
  data_dir: str | None = None,
) -> str:
  """Exports trained networks of a search, as official.export does; returns the SavedModel's folder.

      >>> export(model_dir, output_dir, candidate=0).endswith("/1")  # slow
      True

  Args:
    model_dir: Folder of the search.
    output_dir: Folder of the versions; the new one is the next free number.
    candidate: Number of the candidate to export.
    ensemble: How many of the best to export as one network. Without it and a number, what the final
      training came to is exported.
    data_dir: The dataset; default: the folder where the search found it.

  Raises:
    UserError: There is no such network, or it cannot be exported.
  """
  from data_prep.common import cli
  from official.programs import network_export

  return network_export.export(
    cli.plain_path("model_dir", model_dir),
    cli.plain_path("output_dir", output_dir),
    candidate=candidate,
    ensemble=ensemble,
    data_dir=data_dir,
  )


def predict(saved_model: str, videos: Sequence[str]) -> list[Answer]:
  """Asks a SavedModel about videos, and videos in folders, in this process.

      >>> answers = predict(load_run(model_dir).export, [video])  # slow
      >>> answers[0].error  # slow
      ''

  An answer has a class with its score; of a network that restores frames it has `frames`, and of
  one that tells the class of every pixel `masks`, as arrays of the whole video. official.predict
  writes answers about many videos to files, and survives a video that crashes the decoder.

  Raises:
    UserError: The SavedModel is damaged, or there is no video.
  """
  from official.programs import video_answers

  return video_answers.ask(saved_model, videos)


def register_kind(name: str, **facts: Any) -> Callable[[type], type]:
  """Returns a decorator that enters a Keras layer as a block kind; official.network has the facts.

  >>> register_kind("stem_2d", convolutions=lambda block, channels: iter(()))
  Traceback (most recent call last):
  ...
  ValueError: there is already a block kind 'stem_2d'
  """
  from official import network

  return network.register_kind(name, **facts)


def register_guidance(
  name: str, reads: Sequence[str] | None = None
) -> Callable[[Guidance], Guidance]:
  """Returns a decorator that makes a guidance known by its name (official.architecture.guidance).

  `reads` names the facts about a trained parent that it reads; by default, all are measured for it.

  >>> from official.architecture import guidance
  >>> @register_guidance("everything", reads=["weights"])
  ... def everything(facts, settings, rng):
  ...   return guidance.Selection(kept=facts.architecture.connections, scores=facts.weights)
  >>> "everything" in guidance.names()
  True
  """
  from official.architecture import guidance

  return guidance.register(name, guidance.MEASURED if reads is None else reads)


def register_task(spec: Spec) -> Spec:
  """Makes a task known by its name, and returns it (official.tasks.contract).

  >>> from official.tasks import registry
  >>> register_task(registry.get("classification")).name
  'classification'
  """
  from official.tasks import registry

  return registry.register(spec)


def register_stream(kind: StreamKind) -> StreamKind:
  """Makes a kind of stream known by its name, and returns it (data_prep.dataset.stream_kinds).

  >>> from data_prep.dataset.stream_kinds import image
  >>> register_stream(image.Image(name="heat", channels=(1,), unit="grey levels")).name
  'heat'
  """
  from data_prep.dataset import stream_kinds

  return stream_kinds.register(kind)


def _check_status(status: int, what: str, model_dir: str) -> None:
  if status:
    raise RuntimeError(
      f"the {what} in {model_dir} ended with exit status {status}; what it printed says why, and "
      "the same call resumes it"
    )
