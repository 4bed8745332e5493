"""The one description of a training, of which flags, files, runs and cards are views.

fields       how a field is declared: help, range, default, and what else there is to it
recipes      published trainings, as other defaults
resolution   what the values mean on this machine: the files that they name
tree         the description: Training and its parts
values       the values by name, as flags have them and runs record them
yaml_values  values from a YAML file, and from text such as optimizer.type=adamw

A new training knob is one field of one part in tree.py. Nothing here imports TensorFlow.
"""

from official.training.config.fields import EVOLVE
from official.training.config.fields import PROGRAMS
from official.training.config.fields import TRAIN
from official.training.config.fields import knob
from official.training.config.resolution import WEIGHTS
from official.training.config.resolution import check_joined
from official.training.config.resolution import check_reads
from official.training.config.resolution import check_tpu
from official.training.config.resolution import checked_task
from official.training.config.resolution import clip
from official.training.config.resolution import clip_of
from official.training.config.resolution import resolved
from official.training.config.resolution import streams
from official.training.config.resolution import task
from official.training.config.tree import LOCAL_TPU
from official.training.config.tree import Augmentation
from official.training.config.tree import Data
from official.training.config.tree import Devices
from official.training.config.tree import Evaluation
from official.training.config.tree import Loss
from official.training.config.tree import Network
from official.training.config.tree import Optimizer
from official.training.config.tree import Schedule
from official.training.config.tree import Start
from official.training.config.tree import Training
from official.training.config.values import by_name
from official.training.config.values import card
from official.training.config.values import defaults
from official.training.config.values import identity
from official.training.config.values import leaves
from official.training.config.values import of
from official.training.config.values import operation
from official.training.config.values import replace
from official.training.config.values import restored

__all__ = [
  "EVOLVE",
  "LOCAL_TPU",
  "PROGRAMS",
  "TRAIN",
  "WEIGHTS",
  "Augmentation",
  "Data",
  "Devices",
  "Evaluation",
  "Loss",
  "Network",
  "Optimizer",
  "Schedule",
  "Start",
  "Training",
  "by_name",
  "card",
  "check_joined",
  "check_reads",
  "check_tpu",
  "checked_task",
  "clip",
  "clip_of",
  "defaults",
  "identity",
  "knob",
  "leaves",
  "of",
  "operation",
  "replace",
  "resolved",
  "restored",
  "streams",
  "task",
]
