"""Segmentation: the class of every pixel, as the stream `mask` of a dataset has it. No TensorFlow.

Pixels of the number 255 count for nothing. Intersections over unions are those of all pixels of a
split together: a class counts if a pixel is of it, or was taken for it.
"""

from official.tasks import contract

MEAN_IOU = contract.Metric(name="mean_iou", fed="outputs")
"""Intersection over union, the mean over classes."""

PIXEL_ACCURACY = contract.Metric(name="pixel_accuracy", fed="outputs")
"""Share of the pixels that are answered right."""

SPEC = contract.Spec(
  name="segmentation",
  package="official.tasks.segmentation",
  target=contract.Stream(name="mask", kind="mask"),
  metrics=(MEAN_IOU, PIXEL_ACCURACY, contract.LOSS),
  fitness=(
    contract.Fitness(MEAN_IOU.name, (MEAN_IOU,)),
    contract.Fitness(PIXEL_ACCURACY.name, (PIXEL_ACCURACY,)),
    contract.Fitness(contract.LOSS.name, (contract.LOSS,)),
  ),
)
