"""One architecture trained to the end: the program behind official.train."""

import os
import tempfile
import typing

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import network_version
from official.architecture import serialization
from official.architecture import sources
from official.architecture import structure_list
from official.architecture.architecture import Architecture
from official.inputs import usable
from official.programs import run_page
from official.runs import single
from official.runs.executors import leases
from official.training import config

if typing.TYPE_CHECKING:
  from official.training import final_trainer


def run(
  training: config.Training,
  weighted: structure_list.WeightedArchitecture,
  *,
  model_dir: str,
  seed: int,
  source: str,
) -> int:
  """Trains, or resumes, or says what came of the training; returns the exit status.

  Args:
    training: How, with the data.
    weighted: What, with the connection weights that are published with it.
    model_dir: Folder of the training; absolute.
    seed: Random seed.
    source: Where the architecture comes from, for messages.

  Raises:
    UserError: Something cannot be done as asked, or the environment is at fault.
  """
  architecture = weighted.architecture
  if training.network.freeze_connection_weights and not training.start.init_checkpoint:
    sources.check_frozen(architecture, weighted.connection_weights)
  data_dir = cli.resolve_path(training.data.data_dir)
  info = metadata.load(data_dir)
  usable.check(info, data_dir, ["train", "validation"])
  check_streams(architecture, training, info, source)
  training = config.replace(
    config.resolved(training, info, model_dir),
    connection_weights=structure_list.weights_to_text(weighted.connection_weights),
  )
  index = 0
  if training.devices.distribution_strategy == "multi_worker_mirrored":
    index = single.process_index(os.environ.get("TF_CONFIG"))
  with tempfile.TemporaryDirectory() as aside:
    # Every process has to take part in writing, for that reads variables of all.
    final = _final_training(training, model_dir, aside if index else model_dir)
    status = single.run(
      model_dir=model_dir,
      candidate={"architecture": serialization.to_json(architecture), "seed": seed},
      training=final,
      check=final.check,
      identity={
        "network_version": network_version.CURRENT,
        "architecture": serialization.to_json(architecture),
        "data_dir": info.fingerprint,
        "seed": seed,
        **config.identity(training, config.TRAIN),
      },
      operation={**config.operation(training, config.TRAIN), "data_dir": data_dir},
      index=index,
      defaults=config.defaults(),
    )
  if status == 0 and index == 0:
    run_page.write(model_dir)
  return status


def check_streams(
  architecture: Architecture, training: config.Training, info: metadata.DatasetInfo, source: str
) -> None:
  """Raises UserError where the dataset lacks a stream that the architecture reads, or must not."""
  network, stems = f"--architecture={source}", [stem.streams for stem in architecture.stems]
  config.check_reads(training, info, architecture.streams, network=network)
  config.check_joined(training, info, stems, network=network)


def _final_training(
  training: config.Training, model_dir: str, outcome_dir: str
) -> "final_trainer.FinalTraining":
  from official.training import final_trainer

  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
  if training.devices.num_gpus is None:
    here = len(leases.list_gpus())
    alone = training.devices.distribution_strategy == "one_device"
    training = config.replace(training, num_gpus=min(here, 1) if alone else here)
  return final_trainer.FinalTraining(
    setup=training,
    export_dir=os.path.join(outcome_dir, "export"),
    outcome_dir=outcome_dir,
    training_dir=os.path.join(model_dir, "training"),
  )
