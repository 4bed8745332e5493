"""The layers of a network once more, in NumPy and float64, from their formulas alone.

A convolution of k pixels reads (k - 1) // 2 zeros before a side and the rest of k - 1 after it.
`logits` runs a whole network of `interleaved_bottleneck` blocks; of the model it reads the weights,
and calls nothing.
"""

import numpy as np


def conv_space(clips: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
  """[batch, time, height, width, channels], kernel [k, k, channels, filters]."""
  size = kernel.shape[0]
  before = (size - 1) // 2
  sides = (before, size - 1 - before)
  padded = np.pad(clips.astype(np.float64), [(0, 0), (0, 0), sides, sides, (0, 0)])
  height, width = (-(-side // stride) for side in clips.shape[2:4])
  result = 0.0
  for i in range(size):
    for j in range(size):
      window = padded[
        :, :, i : i + (height - 1) * stride + 1 : stride, j : j + (width - 1) * stride + 1 : stride
      ]
      result = result + window @ kernel[i, j].astype(np.float64)
  return result


def conv_time(clips: np.ndarray, kernel: np.ndarray, dilation: int) -> np.ndarray:
  """kernel [k, channels, filters]; y[t] = sum_j x[t + (j - k // 2) r] kernel[j]."""
  return conv_spacetime(clips, kernel[:, None, None], dilation)


def conv_spacetime(
  clips: np.ndarray, kernel: np.ndarray, dilation: int, stride: int = 1
) -> np.ndarray:
  """kernel [frames, k, k, channels, filters], its frames `dilation` apart."""
  taps, time = kernel.shape[0], clips.shape[1]
  frames = []
  for t in range(time):
    others = [(j, t + (j - taps // 2) * dilation) for j in range(taps)]
    frames.append(
      sum(
        conv_space(clips[:, other : other + 1], kernel[j], stride)
        for j, other in others
        if 0 <= other < time
      )
    )
  return np.concatenate(frames, axis=1)


def max_pool(clips: np.ndarray, size: int, stride: int) -> np.ndarray:
  """As TensorFlow's "SAME" has it: what is missing is shared by both ends, the odd one after."""
  ends = []
  for side in clips.shape[2:4]:
    missing = max((-(-side // stride) - 1) * stride + size - side, 0)
    ends.append((missing // 2, missing - missing // 2))
  padded = np.pad(clips, [(0, 0), (0, 0), *ends, (0, 0)], constant_values=-np.inf)
  height, width = (-(-side // stride) for side in clips.shape[2:4])
  windows = [
    padded[
      :, :, i : i + (height - 1) * stride + 1 : stride, j : j + (width - 1) * stride + 1 : stride
    ]
    for i in range(size)
    for j in range(size)
  ]
  return np.max(windows, axis=0)


def logits(
  architecture, weights: dict[str, np.ndarray], streams: dict[str, np.ndarray]
) -> np.ndarray:
  """Returns the logits [batch, classes] of a network in inference, head `average`.

  Args:
    architecture: One with stems of stride 4 and blocks of kind `interleaved_bottleneck`.
    weights: Values of the model's variables by name, without ":0".
    streams: Clips by stream.
  """
  outputs = {}
  for block in architecture.blocks:
    name = f"block_{block.id}"
    if block.streams:
      clips = _unit(streams[block.streams[0]], weights, f"{name}/space", 2)
      if block.kind == "stem_2plus1d":
        clips = _unit(clips, weights, f"{name}/time", dilation=block.temporal_dilation)
      outputs[block.id] = max_pool(clips, 3 if block.kind == "stem_2plus1d" else 2, 2)
    else:
      clips = _combined(architecture, block, weights, outputs)
      for index in range(block.modules):
        clips = _module(clips, block, index, weights, f"{name}/module_{index}")
      outputs[block.id] = clips
  last = architecture.level(architecture.last_level)
  features = np.mean([outputs[block.id].mean(axis=(1, 2, 3)) for block in last], axis=0)
  return features @ weights["head/dense/kernel"] + weights["head/dense/bias"]


def _combined(architecture, block, weights, outputs) -> np.ndarray:
  stride = architecture.input_stride(block.id)
  strengths = 1 / (1 + np.exp(-weights[f"combine_{block.id}/connection_weights"]))
  sums: dict[int, np.ndarray] = {}
  for source, strength in zip(architecture.inputs(block.id), strengths, strict=True):
    clips, ratio = outputs[source], stride // architecture.stride(source)
    if ratio > 1:
      clips = max_pool(clips, ratio, ratio)
    sums[clips.shape[-1]] = sums.get(clips.shape[-1], 0) + strength * clips
  *smaller, largest = sorted(sums)
  total = sums[largest]
  for count in smaller:
    kernel = weights[f"combine_{block.id}/projection_of_{count}/kernel"]
    total = total + conv_space(sums[count], kernel)
  return total


def _module(clips, block, index: int, weights, name: str) -> np.ndarray:
  stride = block.spatial_stride if index == 0 else 1
  dilation = block.temporal_dilation if index % 2 else None
  branch = _unit(clips, weights, f"{name}/reduce", dilation=dilation)
  branch = _unit(branch, weights, f"{name}/space", stride)
  branch = _unit(branch, weights, f"{name}/expand", activate=False)
  if index == 0:
    clips = _unit(clips, weights, f"{name}/shortcut", stride, activate=False)
  return np.maximum(branch + clips, 0)


def _unit(
  clips, weights, name: str, stride: int = 1, *, dilation: int | None = None, activate: bool = True
) -> np.ndarray:
  """Convolution, over time where there is a dilation, batch normalization, ReLU."""
  kernel = weights[f"{name}/convolution/kernel"]
  clips = conv_time(clips, kernel, dilation) if dilation else conv_space(clips, kernel, stride)
  norm = {
    part: weights[f"{name}/norm/{part}"]
    for part in ("gamma", "beta", "moving_mean", "moving_variance")
  }
  scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + 1e-5)
  clips = (clips - norm["moving_mean"]) * scale + norm["beta"]
  return np.maximum(clips, 0) if activate else clips
