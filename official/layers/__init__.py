"""Keras layers of the networks, from clips to clips: [batch, time, height, width, channels].

    stem -> Combine -> block -> ... -> Head

activity        activation functions, and a look at what they give out
base            the base classes of all layers
basic_2plus1d   block kinds: space, then time, in two convolutions per module
batch_norm      batch normalization of clips
blocks          the table of block kinds, and the base class of its entries
bottlenecks     block kinds: bottlenecks with a 3x3 convolution in the middle
checkpointing   gradient checkpointing: less memory for more time
combine         the weighted sum of a block's inputs: the connection weights
dense_head      from all blocks to values of every pixel
head            from the blocks of the last level to logits
median          the median of every 5x5 window
optical_flow    TV-L1 optical flow in the graph
resize          frames in another size
residual        convolution with normalization, and the residual module
spacetime_3d    block kind: space and time in one convolution per module
spacetime_conv  convolution over space and dilated time at once
spatial         convolution and max pooling within each frame
stems           block kinds that read the streams of a dataset
temporal_conv   dilated convolution over time

Importing this package fills the table in `blocks` with the kinds of the modules above.
"""

from official.layers import basic_2plus1d
from official.layers import bottlenecks
from official.layers import spacetime_3d
from official.layers import stems
from official.layers.batch_norm import BatchNorm
from official.layers.combine import Combine
from official.layers.dense_head import DenseHead
from official.layers.head import Head
from official.layers.residual import NormalizedConv
from official.layers.residual import Residual
from official.layers.resize import SpatialResize
from official.layers.spacetime_conv import SpacetimeConv
from official.layers.spatial import SpatialConv
from official.layers.spatial import SpatialMaxPool
from official.layers.temporal_conv import TemporalConv

__all__ = [
  "BatchNorm",
  "Combine",
  "DenseHead",
  "Head",
  "NormalizedConv",
  "Residual",
  "SpacetimeConv",
  "SpatialConv",
  "SpatialMaxPool",
  "SpatialResize",
  "TemporalConv",
  "basic_2plus1d",
  "bottlenecks",
  "spacetime_3d",
  "stems",
]
