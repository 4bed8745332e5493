"""A folder for TensorBoard that stays small however many candidates a search has.

    DIR/                       the hyperparameters and metrics that the HParams page compares
    DIR/000012/                each of the best candidates: features of its architecture, metrics
    DIR/000034 -> .../training a candidate that is in training: its own curves
    DIR/search -> RUN/search   the curves of the search
    DIR/final/                 the final network: its drawing, and which class is taken for which
    DIR/final/train, validation    its learning curve

`tensorboard --logdir=RUN` would list two runs for every candidate; this has at most 30 candidates
and those in training. Event files are written as the search writes its own (official/search/
summaries.py), without TensorFlow. The folder is replaced as a whole when it is written again.
"""

from collections.abc import Iterator, Mapping, Sequence
import os
import shutil
import struct
from typing import BinaryIO

from tensorboard.compat.proto import event_pb2
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.hparams import summary_v2 as hparams
from tensorboard.summary.writer import record_writer

from data_prep.common import cli
from official.reports import facts
from official.reports import features
from official.reports import final_files
from official.reports import page
from official.reports import words

FOLDER = "tensorboard"  # In a run, where evolve and train write it at their end.
BEST = 30  # Candidates.
_NAME = "events.out.tfevents.{:010d}.report"
_VERSION = "brain.Event:2"
_SUFFIX = ".incomplete"
_SIZE = struct.Struct(">II")  # Width and height of a PNG, from its 16th byte on.


def write(run: facts.Run, sections: Sequence[page.Section], directory: str) -> None:
  """Writes the folder.

  Args:
    run: The run.
    sections: Those of its page, whose pictures of the winner and the final network are shown.
    directory: It is created, or replaced if TensorBoard's files are all that is in it.

  Raises:
    UserError: It cannot be written, or holds something else.
  """
  _check(directory)
  made = directory.rstrip("/") + _SUFFIX
  try:
    shutil.rmtree(made, ignore_errors=True)
    _candidates(run, made)
    _final(run, sections, os.path.join(made, "final"))
    _links(run, made, directory)
    shutil.rmtree(directory, ignore_errors=True)
    os.rename(made, directory)
  except OSError as error:
    raise cli.UserError(
      f"--tensorboard={directory} cannot be written: {error.strerror or error}"
    ) from error


def _check(directory: str) -> None:
  """Raises UserError unless the folder may be replaced."""
  names = os.listdir(directory) if os.path.isdir(directory) else []
  if names and not any(name.endswith(".report") for name in names):
    raise cli.UserError(
      f"--tensorboard={directory} holds {sorted(names)[0]}, which is not TensorBoard's; give a new "
      "folder"
    )


def _candidates(run: facts.Run, directory: str) -> None:
  ranked = sorted(
    (number for number, result in run.results.items() if result.fitness is not None),
    key=lambda number: (-(run.results[number].fitness or 0.0), number),
  )[:BEST]
  known = {number: _features(run, number) for number in ranked}
  names = sorted({name for found in known.values() for name in found})
  metrics = sorted({name for number in ranked for name in run.results[number].metrics or {}})
  config = hparams.hparams_config_pb(
    hparams=[hparams.HParam(name) for name in names],
    metrics=[hparams.Metric(name) for name in metrics],
    time_created_secs=0.0,
  )
  with _Events(directory) as events:
    events.add(config)
  for number in ranked:
    with _Events(os.path.join(directory, words.candidate(number))) as events:
      events.add(hparams.hparams_pb(known[number], words.candidate(number), 0.0))
      events.scalars(run.results[number].metrics or {})
      events.add(_ended())


def _features(run: facts.Run, number: int) -> dict[str, float]:
  architecture = run.architecture(number)
  found = features.of(architecture) if architecture else {}
  result = run.results[number]
  costs = {"parameters": result.params, "multiply-adds": result.multiply_adds}
  return found | {name: float(value) for name, value in costs.items() if value is not None}


def _ended() -> summary_pb2.Summary:
  """Returns what tells HParams that a training has ended well."""
  end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS)
  data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
  summary = summary_pb2.Summary()
  summary.value.add(
    tag=hparams_metadata.SESSION_END_INFO_TAG,
    metadata=hparams_metadata.create_summary_metadata(data),
    tensor=hparams_metadata.NULL_TENSOR,
  )
  return summary


def _final(run: facts.Run, sections: Sequence[page.Section], directory: str) -> None:
  shown = [
    figure
    for section in sections
    if section.name in ("winner", "final")
    for figure in page.figures(section.parts)
    if isinstance(figure, page.Figure)
  ]
  if shown:
    with _Events(directory) as events:
      for figure in shown:
        events.image(figure.name, figure.picture.png())
  rows = final_files.curve(run)
  for split in sorted({row["split"] for row in rows}):
    with _Events(os.path.join(directory, os.path.basename(split))) as events:
      for row in rows:
        if row["split"] == split:
          events.scalars(dict(_numbers(row)), int(row["step"]))


def _numbers(row: Mapping[str, str]) -> Iterator[tuple[str, float]]:
  for name, value in row.items():
    if name not in ("step", "split") and value:
      yield name, float(value)


def _links(run: facts.Run, made: str, directory: str) -> None:
  """Links to what is being written: TensorBoard follows."""
  wanted = {"search": os.path.join(run.folder, "search")}
  for number in run.in_flight:
    training = os.path.join(run.folder, run.candidate_folder(number), "training")
    wanted[words.candidate(number)] = training
  for name, path in wanted.items():
    if os.path.isdir(path):
      os.symlink(os.path.relpath(path, directory), os.path.join(made, name))


class _Events:
  """Writes an event file; the same events give the same bytes."""

  def __init__(self, directory: str):
    self._directory = directory
    self._file: BinaryIO | None = None

  def __enter__(self) -> "_Events":
    os.makedirs(self._directory, exist_ok=True)
    self._file = open(os.path.join(self._directory, _NAME.format(0)), "wb")
    self._records = record_writer.RecordWriter(self._file)
    self._records.write(event_pb2.Event(file_version=_VERSION).SerializeToString())
    return self

  def __exit__(self, *_: object) -> None:
    assert self._file is not None
    self._file.close()

  def add(self, summary: summary_pb2.Summary, step: int = 0) -> None:
    """Adds an event."""
    event = event_pb2.Event(step=step, summary=summary)
    self._records.write(event.SerializeToString(deterministic=True))

  def scalars(self, values: Mapping[str, object], step: int = 0) -> None:
    """Adds numbers by name."""
    summary = summary_pb2.Summary()
    for name, value in values.items():
      if isinstance(value, int | float):
        summary.value.add(tag=name, simple_value=value)
    self.add(summary, step)

  def image(self, name: str, png: bytes) -> None:
    """Adds a picture."""
    width, height = _SIZE.unpack_from(png, 16)
    summary = summary_pb2.Summary()
    summary.value.add(
      tag=name,
      image=summary_pb2.Summary.Image(
        width=width, height=height, colorspace=4, encoded_image_string=png
      ),
    )
    self.add(summary)
