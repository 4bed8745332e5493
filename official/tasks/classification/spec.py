"""Classification: a clip is of one class. No TensorFlow."""

from official.tasks import contract
from official.tasks import label_metrics

SPEC = contract.Spec(
  name="classification",
  package="official.tasks.classification",
  target=contract.Labels(),
  metrics=(
    label_metrics.ACCURACY,
    label_metrics.TOP5_ACCURACY,
    contract.LOSS,
    label_metrics.MEAN_AVERAGE_PRECISION,
    label_metrics.MARGIN,
  ),
  fitness=(
    label_metrics.BY_ACCURACY,
    label_metrics.BY_BOTH_ACCURACIES,
    label_metrics.BY_LOSS,
    label_metrics.BY_MEAN_AVERAGE_PRECISION,
    label_metrics.BY_MARGIN,
  ),
)
