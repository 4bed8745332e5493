"""Classification by a focal loss, judged by an error: a task from outside the tree."""

from official.tasks import contract
from official.tasks import label_metrics

ERROR = contract.Metric(name="error", higher_is_better=False, fed="probabilities")

SPEC = contract.Spec(
  name="focal",
  package="toy_task",
  target=contract.Labels(),
  metrics=(label_metrics.ACCURACY, contract.LOSS, ERROR),
  fitness=(contract.Fitness("error", (ERROR,)), label_metrics.BY_LOSS),
)
"""The lower the mean probability of all wrong classes, the better."""
