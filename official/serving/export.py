"""SavedModels with versions, as TensorFlow Serving expects them.

    <base>/<version>/saved_model.pb, variables/     tag `serve`, signature `serving_default`
                     assets/labels.txt              a class a line, in the order of probabilities
                     assets/architecture.json       what the network is; of an ensemble, a list

`serving_default` takes the network's streams by name (float32; images in [-1, 1], flow in pixels)
and returns `probabilities` [batch, classes], and the best `classes` (string) with their `scores`,
[batch, k]. The batch is dimension 0 of everything, which is what the server's batching needs.

A server serves the largest number it finds and looks once a second, so that a version appears whole
or not at all: it is written under a name that is no number, and renamed.
"""

from collections.abc import Mapping, Sequence
import itertools
import json
import math
import os
import shutil
import tempfile

import tensorflow as tf

TOP = 5


class Ensemble:
  """Several networks as one, which averages their probabilities.

  It is called like a network: its logits are the logarithms of the mean probabilities, so that
  their softmax is that mean. Its streams are those that any member reads.

  Attributes:
    input: Keras inputs by stream.
    variables: Those of all members.
  """

  def __init__(self, members: Sequence[tf.keras.Model]):
    self._members = tuple(members)
    together = {name: tensor for model in members for name, tensor in model.input.items()}
    self.input = dict(sorted(together.items()))
    self.variables = [variable for model in members for variable in model.variables]

  def __call__(self, streams: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Returns logits [batch, classes]."""
    logarithms = [
      tf.nn.log_softmax(model({name: streams[name] for name in model.input}, training=training))
      for model in self._members
    ]
    return tf.reduce_logsumexp(logarithms, axis=0) - math.log(len(logarithms))


class ServedNetwork(tf.Module):
  """The variables of a network, and one function.

  It holds no Keras object: saving one traces every layer by itself, several times as long as all
  the rest takes.

  Attributes:
    predict: What `serving_default` is.
  """

  def __init__(
    self, model: tf.keras.Model | Ensemble, classes: Sequence[str], assets: Sequence[str]
  ):
    super().__init__()
    self._variables = list(model.variables)
    self._assets = [tf.saved_model.Asset(path) for path in assets]
    labels = tf.constant(list(classes))

    def predict(streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
      probabilities = tf.nn.softmax(model(streams, training=False))
      scores, best = tf.math.top_k(probabilities, k=min(TOP, len(classes)))
      return {"probabilities": probabilities, "classes": tf.gather(labels, best), "scores": scores}

    self.predict = tf.function(
      predict,
      input_signature=[
        {
          name: tf.TensorSpec([None, *tensor.shape[1:]], tf.float32, name=name)
          for name, tensor in model.input.items()
        }
      ],
    )


def export(
  model: tf.keras.Model | Ensemble,
  base: str,
  *,
  classes: Sequence[str],
  architecture: Mapping | Sequence[Mapping],
) -> str:
  """Writes the next version below `base` and returns its folder.

  Args:
    model: Streams -> logits.
    base: Folder of the versions; made where missing.
    classes: Names in the order of the logits.
    architecture: JSON of the architecture, or of each member's.
  """
  os.makedirs(base, exist_ok=True)
  with tempfile.TemporaryDirectory() as assets:
    paths = [os.path.join(assets, name) for name in ("labels.txt", "architecture.json")]
    with open(paths[0], "w", encoding="utf-8") as file:
      file.write("".join(f"{name}\n" for name in classes))
    with open(paths[1], "w", encoding="utf-8") as file:
      json.dump(architecture, file, indent=2)
    module = ServedNetwork(model, classes, paths)
    temporary = tempfile.mkdtemp(prefix="writing-", dir=base)
    try:
      tf.saved_model.save(module, temporary, signatures={"serving_default": module.predict})
      return _take_next_number(temporary, base)
    except BaseException:
      shutil.rmtree(temporary, ignore_errors=True)
      raise


def _take_next_number(folder: str, base: str) -> str:
  os.chmod(folder, 0o755)  # mkdtemp's is for the owner alone, and a server is somebody else
  taken = [int(name) for name in os.listdir(base) if name.isdecimal()]
  for number in itertools.count(max(taken, default=0) + 1):
    target = os.path.join(base, str(number))
    try:
      os.rename(folder, target)
      return target
    except OSError:
      if not os.path.isdir(target):
        raise
