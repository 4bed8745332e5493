"""SavedModels with versions, as TensorFlow Serving expects them.

    <base>/<version>/saved_model.pb, variables/     tag `serve`, signatures: signatures.py
                     assets/labels.txt              a class a line, in the order of probabilities
                     assets/architecture.json       what the network is; of an ensemble, a list
                     assets/task.json               the task, by name (official.tasks), and what
                                                    was done to frames that it restores
                     assets/clip.json               frames, frame rate, streams: what a clip is
                     assets.extra/                  requests to warm up with: warm_up.py
                     model_card.md                  all that for people
                     net.svg                        a picture of it (of an ensemble net_1.svg, ...)

A version appears whole or not at all (versions.py).
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import os
import tempfile
from typing import Any

import tensorflow as tf

from data_prep.common import json_text
from data_prep.dataset import metadata
from official.inputs import flow_source
from official.serving import frames
from official.serving import model_card
from official.serving import network_drawings
from official.serving import saved_model
from official.serving import signatures
from official.serving import versions
from official.serving import warm_up
from official.tasks import contract
from official.tasks import registry

_MODEL = "video"  # in the requests to warm up with; a server puts its own name there


class Ensemble:
  """Several networks as one, whose outputs their task joins: for labels, it averages probabilities.

  It is called like a network. Its streams are those that any member reads.

  Attributes:
    members: The networks.
    input: Keras inputs by stream.
    variables: Those of all members.
  """

  def __init__(self, members: Sequence[tf.keras.Model], *, task: contract.Spec):
    self.members = tuple(members)
    self._join = task.learning().join_networks
    together = {name: tensor for model in members for name, tensor in model.input.items()}
    self.input = dict(sorted(together.items()))
    self.variables = [variable for model in members for variable in model.variables]

  def __call__(self, streams: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Returns the outputs of all members together, like those of one."""
    return self._join(
      [
        model({name: streams[name] for name in model.input}, training=training)
        for model in self.members
      ]
    )


def export(
  model: tf.keras.Model | Ensemble,
  base: str,
  *,
  info: metadata.DatasetInfo,
  task: contract.Spec | None = None,
  flow: str = flow_source.STORED,
  degrade: str = "",
  clip: Sequence[bytes],
  architectures: Sequence[Mapping],
  facts: Mapping[str, Any],
) -> str:
  """Writes the next version below `base` and returns its folder.

  Args:
    model: Streams -> outputs.
    base: Folder of the versions; made where missing.
    info: The dataset that it was trained on.
    task: What it was trained for; default: what the dataset is for.
    flow: Where flow came from then (official.inputs.flow_source).
    degrade: What it was taught to restore, if it restores frames.
    clip: Encoded frames of a real clip, to warm up with; none if there are no frames.
    architectures: JSON of the architecture, of an ensemble each member's.
    facts: For the model card (model_card.py).
  """
  format_ = frames.clip_format(model.input, info, flow)
  task = task or registry.of(info)
  served, names = task.served(), task.names(info)
  assets = {
    "labels.txt": "".join(f"{name}\n" for name in names),
    "architecture.json": json_text.encode(
      list(architectures) if len(architectures) > 1 else architectures[0]
    ),
    "clip.json": json.dumps(dataclasses.asdict(format_)),
    saved_model.TASK: json.dumps({"task": task.name} | ({"degrade": degrade} if degrade else {})),
  }

  def fill(folder: str) -> None:
    with tempfile.TemporaryDirectory() as beside:
      paths = [_write(os.path.join(beside, name), text) for name, text in assets.items()]
      network = signatures.ServedNetwork(
        model, format_, names, paths, served=served, degrade=degrade
      )
      tf.saved_model.save(network, folder, signatures=dict(network.signatures))
    if clip and format_.comes_from_frames:
      warm_up.write(folder, _MODEL, clip)
    members = model.members if isinstance(model, Ensemble) else [model]
    drawings = network_drawings.svgs(members, architectures, facts.get("search"))
    for name, text in drawings.items():
      _write(os.path.join(folder, name), text)
    card = model_card.render(
      info, served, format_, architectures, facts, names, pictures=list(drawings)
    )
    _write(os.path.join(folder, "model_card.md"), card)

  return versions.write(base, fill)


def _write(path: str, text: str) -> str:
  with open(path, "w", encoding="utf-8") as file:
    file.write(text)
  return path
