"""Multi-label classification: a clip may be of several classes. No TensorFlow."""

from official.tasks import contract
from official.tasks import label_metrics

SPEC = contract.Spec(
  name="multi_label",
  package="official.tasks.multi_label",
  target=contract.Labels(several=True),
  metrics=(contract.LOSS, label_metrics.MEAN_AVERAGE_PRECISION),
  fitness=(label_metrics.BY_MEAN_AVERAGE_PRECISION, label_metrics.BY_LOSS),
)
