"""SavedModels with versions, as TensorFlow Serving expects them.

    <base>/<version>/saved_model.pb, variables/     tag `serve`, signatures: signatures.py
                     assets/labels.txt              a class a line, in the order of probabilities
                     assets/architecture.json       what the network is; of an ensemble, a list
                     assets/clip.json               frames, frame rate, streams: what a clip is
                     assets.extra/                  requests to warm up with: warm_up.py
                     model_card.md                  all that for people

A version appears whole or not at all (versions.py).
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import math
import os
import tempfile
from typing import Any

import tensorflow as tf

from data_prep.common import json_text
from data_prep.dataset import metadata
from official.inputs import flow_source
from official.serving import frames
from official.serving import model_card
from official.serving import signatures
from official.serving import versions
from official.serving import warm_up

_MODEL = "video"  # in the requests to warm up with; a server puts its own name there


class Ensemble:
  """Several networks as one, which averages their probabilities.

  It is called like a network: its logits are such that their softmax, or with several labels a clip
  their sigmoid, is the mean of the members' probabilities. Its streams are those that any member
  reads.

  Attributes:
    input: Keras inputs by stream.
    variables: Those of all members.
  """

  def __init__(self, members: Sequence[tf.keras.Model], *, multi_label: bool = False):
    self._members = tuple(members)
    self._multi_label = multi_label
    together = {name: tensor for model in members for name, tensor in model.input.items()}
    self.input = dict(sorted(together.items()))
    self.variables = [variable for model in members for variable in model.variables]

  def __call__(self, streams: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Returns logits [batch, classes]."""
    logits = [
      model({name: streams[name] for name in model.input}, training=training)
      for model in self._members
    ]
    if self._multi_label:
      yes, no = (tf.math.log_sigmoid(sign * tf.stack(logits)) for sign in (1.0, -1.0))
      return tf.reduce_logsumexp(yes, axis=0) - tf.reduce_logsumexp(no, axis=0)
    return tf.reduce_logsumexp(tf.nn.log_softmax(logits), axis=0) - math.log(len(logits))


def export(
  model: tf.keras.Model | Ensemble,
  base: str,
  *,
  info: metadata.DatasetInfo,
  flow: str = flow_source.STORED,
  clip: Sequence[bytes],
  architectures: Sequence[Mapping],
  facts: Mapping[str, Any],
) -> str:
  """Writes the next version below `base` and returns its folder.

  Args:
    model: Streams -> logits.
    base: Folder of the versions; made where missing.
    info: The dataset that it was trained on.
    flow: Where flow came from then (official.inputs.flow_source).
    clip: Encoded frames of a real clip, to warm up with; none if there are no frames.
    architectures: JSON of the architecture, of an ensemble each member's.
    facts: For the model card (model_card.py).
  """
  format_ = frames.clip_format(model.input, info, flow)
  assets = {
    "labels.txt": "".join(f"{name}\n" for name in info.classes),
    "architecture.json": json_text.encode(
      list(architectures) if len(architectures) > 1 else architectures[0]
    ),
    "clip.json": json.dumps(dataclasses.asdict(format_)),
  }

  def fill(folder: str) -> None:
    with tempfile.TemporaryDirectory() as beside:
      paths = [_write(os.path.join(beside, name), text) for name, text in assets.items()]
      network = signatures.ServedNetwork(
        model, format_, info.classes, paths, multi_label=info.multi_label
      )
      tf.saved_model.save(network, folder, signatures=dict(network.signatures))
    if clip and format_.comes_from_frames:
      warm_up.write(folder, _MODEL, clip)
    card = model_card.render(info, format_, architectures, facts)
    _write(os.path.join(folder, "model_card.md"), card)

  return versions.write(base, fill)


def _write(path: str, text: str) -> str:
  with open(path, "w", encoding="utf-8") as file:
    file.write(text)
  return path
