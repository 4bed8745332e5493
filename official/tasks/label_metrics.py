"""The metrics of tasks whose target is labels, each told once. No TensorFlow.

`label_learning.py` computes them.
"""

from official.tasks.contract import LOSS
from official.tasks.contract import Fitness
from official.tasks.contract import Metric

ACCURACY = Metric(name="accuracy", while_training=True, is_share=True)
TOP5_ACCURACY = Metric(name="top5_accuracy")
MEAN_AVERAGE_PRECISION = Metric(name="mean_average_precision", fed="probabilities")
MARGIN = Metric(name="margin", fed="probabilities", on_request=True)
"""The mean, over clips, of the probability of the right class less the largest of the others."""

BY_ACCURACY = Fitness(ACCURACY.name, (ACCURACY,))
BY_BOTH_ACCURACIES = Fitness("top1_plus_top5", (ACCURACY, TOP5_ACCURACY))
BY_MARGIN = Fitness(MARGIN.name, (MARGIN,))
BY_LOSS = Fitness(LOSS.name, (LOSS,))
BY_MEAN_AVERAGE_PRECISION = Fitness(MEAN_AVERAGE_PRECISION.name, (MEAN_AVERAGE_PRECISION,))
