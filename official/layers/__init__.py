"""Keras layers of the networks, from clips to clips: [batch, time, height, width, channels].

    stem -> Combine -> block -> ... -> Head

`blocks` holds the table of block kinds; importing this package fills it with the kinds that come
along.
"""

from official.layers import basic_2plus1d
from official.layers import bottlenecks
from official.layers import spacetime_3d
from official.layers import stems
from official.layers.batch_norm import BatchNorm
from official.layers.combine import Combine
from official.layers.head import Head
from official.layers.residual import NormalizedConv
from official.layers.residual import Residual
from official.layers.spacetime_conv import SpacetimeConv
from official.layers.spatial import SpatialConv
from official.layers.spatial import SpatialMaxPool
from official.layers.temporal_conv import TemporalConv

__all__ = [
  "BatchNorm",
  "Combine",
  "Head",
  "NormalizedConv",
  "Residual",
  "SpacetimeConv",
  "SpatialConv",
  "SpatialMaxPool",
  "TemporalConv",
  "basic_2plus1d",
  "bottlenecks",
  "spacetime_3d",
  "stems",
]
