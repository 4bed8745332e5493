"""Restoration: a dataset's own frames, of which the network sees a degraded copy. No TensorFlow.

Needs no labels. What makes the copy worse, `degrade` says (data_prep/dataset/degradation.py).
"""

from official.tasks import contract

PSNR_GAIN = contract.Metric(name="psnr_gain", fed="outputs", format=".2f")
"""Decibels that the answer is better than the input, brought to its size: 0 at the first step."""

PSNR = contract.Metric(name="psnr", fed="outputs", format=".2f")
"""Decibels, 10 log10(255^2 / mean squared error), of all frames and channels of a clip together."""

SSIM = contract.Metric(name="ssim", fed="outputs")
"""Structural similarity of a frame (Wang et al., 2004), the mean over a clip's frames."""

INPUT_PSNR = contract.Metric(name="input_psnr", fed="outputs", format=".2f")

SPEC = contract.Spec(
  name="restoration",
  package="official.tasks.restoration",
  target=contract.Self(),
  metrics=(PSNR_GAIN, PSNR, SSIM, contract.LOSS, INPUT_PSNR),
  fitness=(
    contract.Fitness(PSNR_GAIN.name, (PSNR_GAIN,)),
    contract.Fitness(PSNR.name, (PSNR,)),
    contract.Fitness(SSIM.name, (SSIM,)),
    contract.Fitness(contract.LOSS.name, (contract.LOSS,)),
  ),
  losses=("charbonnier", "l1", "l2"),
)
