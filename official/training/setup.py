"""What all trainings of a search share: plain data, for it crosses process boundaries.

A run records the flags that it was made with; `described` makes a setup of them, for the training
itself and for whoever comes back to it later. So nothing that is a field here can be forgotten.
"""

from collections.abc import Mapping
import dataclasses
import os
from typing import Any

from data_prep.common import cli
from official.inputs import flow_source
from official.training import recipe

# Prefix of the checkpoint that has the final weights alone, within the folder of a training.
WEIGHTS = "weights/final"
LOCAL_TPU = "local"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
  """Data, clip size, recipe and hardware of a training.

  Attributes:
    data_dir: A dataset folder.
    cache_dir: Where decoded videos are kept (official.inputs.clip_store).
    cache: How decoded videos are kept (official.inputs.cache); results do not depend on it.
    flow: Where flow comes from (official.inputs.flow_source).
    num_frames, image_size: Size of a clip in frames and pixels.
    clips_per_video, crops_per_clip: Of an evaluation, whose probabilities are averaged.
    recipe: How the network is trained.
    checkpoint_steps: Steps between checkpoints; None is a tenth of the training, in tens.
    threads: CPU threads of one operation, which show in the last bits of results; 0 leaves them to
      TensorFlow.
    distribution_strategy: As in Model Garden: one_device, mirrored, multi_worker_mirrored, tpu.
    num_gpus: GPUs of one training.
    tpu: Address of the TPU, for the strategy `tpu`; one that `check_tpu` takes.
    deterministic: Whether equal trainings on equal hardware give equal bits.
  """

  data_dir: str
  cache_dir: str
  num_frames: int
  image_size: int
  recipe: recipe.Recipe
  checkpoint_steps: int | None
  threads: int
  cache: str = "auto"
  flow: str = flow_source.STORED
  clips_per_video: int = 4
  crops_per_clip: int = 1
  distribution_strategy: str = "one_device"
  num_gpus: int = 0
  tpu: str = ""
  deterministic: bool = True

  @property
  def deterministic_ops(self) -> bool:
    """Whether TensorFlow is told to make operations deterministic.

    It is not where steps run on a TPU: XLA, which compiles them, knows no gradient of max pooling
    then, and what it makes for a TPU is deterministic anyway.
    """
    return self.deterministic and self.distribution_strategy != "tpu"

  @property
  def checkpoint_interval(self) -> int:
    """Steps between checkpoints."""
    return self.checkpoint_steps or max(10, self.recipe.steps // 100 * 10)

  @property
  def steps_per_loop(self) -> int:
    """Steps that run without a look from outside: 20 at most, a divisor of the interval."""
    return max(steps for steps in range(1, 21) if self.checkpoint_interval % steps == 0)


# Fields whose flag has another name.
_FLAGS = {"connection_multiplier": "connection_learning_rate_multiplier"}


def described(flags: Mapping[str, Any], *, steps: int, **others: Any) -> Setup:
  """Returns the setup that flags describe.

  Args:
    flags: Values by name; those of no field are not looked at, and a field whose flag is missing
      (a run that was begun before there was such a flag) or null has its default.
    steps: Training steps.
    others: Fields of Setup that no flag decides.
  """
  how = {"steps": steps, **_fields_of(recipe.Recipe, flags)}
  return Setup(**{**_fields_of(Setup, flags), **others, "recipe": recipe.Recipe(**how)})


def _fields_of(kind: type, flags: Mapping[str, Any]) -> dict[str, Any]:
  named = {field.name: _FLAGS.get(field.name, field.name) for field in dataclasses.fields(kind)}
  return {field: flags[flag] for field, flag in named.items() if flags.get(flag) is not None}


def check_tpu(address: str) -> None:
  """Raises UserError if a TPU is not one of this machine.

  The host of a TPU runs its input pipeline, and ours calls Python functions of this process.

  Args:
    address: As given to TensorFlow, for which an empty one is that in TPU_NAME of the environment.
  """
  named = address or os.environ.get("TPU_NAME", "")
  if named not in ("", LOCAL_TPU):
    flag = f"--tpu={address}" if address else f"TPU_NAME={named}"
    raise cli.UserError(
      f"{flag} is a TPU of another machine, which cannot read clips through the Python of this "
      f"one; run the command on the machine that has the TPU (a TPU VM), with --tpu={LOCAL_TPU}"
    )
