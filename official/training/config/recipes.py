"""Published trainings, as other defaults of `official.train`."""

from collections.abc import Mapping
from typing import Any

SEARCH, PAPER = "search", "paper"
# Values by name, and the values that they change.
RECIPES: Mapping[str, Mapping[str, Any]] = {
  SEARCH: {},
  # AssembleNet's training on Moments in Time (ICLR 2020, A.6).
  PAPER: {
    "train_steps": 50_000,
    "batch_size": 512,
    "optimizer": "sgd",
    "learning_rate": 3.2,
    "warmup_fraction": 0.24,
    "weight_decay": 1e-4,
    "label_smoothing": 0.2,
    "connection_learning_rate_multiplier": 1.0,
    "num_frames": 32,
    "image_size": 224,
  },
}


# What a recipe says of labels alone.
_OF_LABELS = ("label_smoothing",)


def tells_of_labels(recipe: str) -> bool:
  """Returns whether a recipe has values that a task without labels cannot use."""
  return any(name in RECIPES[recipe] for name in _OF_LABELS)


def under(recipe: str, given: Mapping[str, Any], *, labels: bool = True) -> dict[str, Any]:
  """Returns the values of a recipe, changed by those that are given.

  A learning rate that is not given is scaled with the batch size.

  Args:
    recipe: Its name.
    given: Values by name.
    labels: Whether the task learns labels; if not, what a recipe says of them is left out.
  """
  of_recipe = {name: v for name, v in RECIPES[recipe].items() if labels or name not in _OF_LABELS}
  values = {**of_recipe, **given}
  if "learning_rate" in RECIPES[recipe] and "learning_rate" not in given:
    rate_of_a_clip = RECIPES[recipe]["learning_rate"] / RECIPES[recipe]["batch_size"]
    values["learning_rate"] = rate_of_a_clip * values["batch_size"]
  return values
