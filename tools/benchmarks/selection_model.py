"""A model of what a search on few clips sees, fitted to real trainings, and searches within it.

The answer of training j of architecture i about clip c is a number

    z = mean + quality_i + seed_ij + clip_c + taste_ic + noise_ijc

the log of the probability of the right class over that of the likeliest other; it is right where
z > 0. All terms are normal. `taste` is what an architecture has for or against a clip with every
seed: a search that judges all candidates by the same clips can mistake it for quality. Children
have the quality and the tastes of their parents in part (`heritability`, a correlation).

`fit_answers` reads the variances of seed, clip, taste and noise from networks that were trained
several times, by an analysis of variance. The spread of quality and the heritability come from
searches: such that random candidates are as different, and children gain as much from the choice of
their parents, as they did there.

The true quality of an architecture is its expected accuracy over all seeds and clips. It is known
here, and nowhere else.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import math
from typing import Any

import numpy as np

Line = Mapping[str, Any]
_SPLITS = ("validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
  """What answers are made of; all but `mean` and `heritability` are standard deviations of z."""

  mean: float
  quality: float
  seed: float
  clip: float
  taste: float
  noise: float
  heritability: float = 0.0

  def accuracy(self, quality: np.ndarray | float) -> np.ndarray:
    """Returns the expected accuracy of architectures of a quality, over all seeds and clips."""
    spread = math.hypot(self.seed, self.clip, self.taste, self.noise)
    below = [math.erf(value / math.sqrt(2)) for value in np.ravel(self.mean + quality) / spread]
    return (1 + np.reshape(below, np.shape(quality))) / 2


def answers(lines: Sequence[Line]) -> np.ndarray:
  """Returns z of networks that were trained several times, [network, seed, clip]."""
  by_arm: dict[str, list[list[float]]] = {}
  for line in sorted(lines, key=lambda line: (line["arm"], line["seed"])):
    by_arm.setdefault(line["arm"], []).append([z for split in _SPLITS for z in line[split]])
  return np.array(list(by_arm.values()))


def fit_answers(z: np.ndarray) -> Model:
  """Returns the model of some networks, trained with several seeds each, about the same clips.

  Args:
    z: [network, seed, clip]; seeds are nested in networks and crossed with clips.
  """
  networks, seeds, clips = z.shape
  mean = z.mean()
  of_network, of_training = z.mean(axis=(1, 2)), z.mean(axis=2)
  of_pair, of_clip = z.mean(axis=1), z.mean(axis=(0, 1))
  left = z - of_training[:, :, None] - of_pair[:, None, :] + of_network[:, None, None]
  interplay = of_pair - of_network[:, None] - of_clip + mean
  noise = (left**2).sum() / (networks * (seeds - 1) * (clips - 1))
  pairs = seeds * (interplay**2).sum() / ((networks - 1) * (clips - 1))
  trainings = clips * ((of_training - of_network[:, None]) ** 2).sum() / (networks * (seeds - 1))
  several = seeds * clips * ((of_network - mean) ** 2).sum() / (networks - 1)
  of_clips = networks * seeds * ((of_clip - mean) ** 2).sum() / (clips - 1)
  return Model(
    mean=float(mean),
    quality=_root((several - pairs - trainings + noise) / (seeds * clips)),
    seed=_root((trainings - noise) / clips),
    clip=_root((of_clips - pairs) / (networks * seeds)),
    taste=_root((pairs - noise) / seeds),
    noise=_root(noise),
  )


def _root(variance: float) -> float:
  return math.sqrt(max(variance, 0.0))


def candidates(lines: Sequence[Line]) -> tuple[np.ndarray, np.ndarray]:
  """Returns fitnesses of different random candidates, [n], and of (parent, child), [m, 2]."""
  random: dict[tuple, float] = {}
  pairs = []
  for line in lines:
    if line["kind"] != "search":
      continue
    found = {each["number"]: each for each in line["candidates"] if each["status"] == "ok"}
    for number, each in found.items():
      if each["parent"] in found:
        pairs.append((found[each["parent"]]["fitness"], each["fitness"]))
      elif each["parent"] is None:  # Searches of one seed share their first candidates.
        random[line["seed"], number, each["fitness"], each["loss"]] = each["fitness"]
  return np.array(list(random.values())), np.array(pairs)


def with_spread(model: Model, *, accuracy: float, deviation: float, clips: int) -> Model:
  """Returns the model with a mean and a spread of quality such that random candidates have these.

  Args:
    model: The other terms.
    accuracy: Mean accuracy of random candidates.
    deviation: Standard deviation of their accuracies on the same clips.
    clips: How many clips that are.
  """
  low, high = 0.0, 4.0
  for _ in range(14):
    quality = (low + high) / 2
    tried = _centred(dataclasses.replace(model, quality=quality), accuracy)
    wide = _accuracies(tried, clips, trainings=1)[:, :, 0].std(axis=1, ddof=1).mean() > deviation
    low, high = (low, quality) if wide else (quality, high)
  return _centred(dataclasses.replace(model, quality=(low + high) / 2), accuracy)


def with_heritability(model: Model, random: np.ndarray, pairs: np.ndarray, clips: int) -> Model:
  """Returns the model in which children gain from the choice of their parents as some did.

  The breeder's equation: children are better than random candidates by the heritability times the
  repeatability times what their parents are better by. (The repeatability is the correlation of the
  fitnesses of two trainings of one architecture on the same clips.)

  Args:
    model: The other terms.
    random: Fitnesses of random candidates, [n].
    pairs: Fitnesses of parents and their children, [m, 2].
    clips: How many clips judged them.
  """
  parents, children = pairs.mean(axis=0) - random.mean()
  heritability = children / parents / repeatability(model, clips) if parents > 0 else 0.0
  return dataclasses.replace(model, heritability=float(np.clip(heritability, 0, 1)))


def repeatability(model: Model, clips: int) -> float:
  """Returns the correlation of the accuracies of two trainings of one architecture, on the same
  clips."""
  seen = _accuracies(model, clips, trainings=2)
  return float(np.mean([np.corrcoef(each.T)[0, 1] for each in seen]))


def _centred(model: Model, accuracy: float) -> Model:
  """Returns the model with the mean at which random candidates have an accuracy on average."""
  low, high = -8.0, 8.0
  nodes, weights = np.polynomial.hermite_e.hermegauss(20)
  while high - low > 1e-4:
    middle = (low + high) / 2
    tried = dataclasses.replace(model, mean=middle)
    mean = weights @ tried.accuracy(model.quality * nodes) / weights.sum()
    low, high = (low, middle) if mean > accuracy else (middle, high)
  return dataclasses.replace(model, mean=(low + high) / 2)


def _accuracies(model: Model, clips: int, trainings: int) -> np.ndarray:
  """Returns accuracies of random candidates, [200 splits, 60 candidates, trainings]."""
  rng = np.random.default_rng(0)
  found = []
  for _ in range(200):
    world = World(model, clips, rng)
    several = [Architecture.random(model, world, rng) for _ in range(60)]
    everything = np.arange(clips)
    found.append(
      [
        [float((world.train(each, everything, rng) > 0).mean()) for _ in range(trainings)]
        for each in several
      ]
    )
  return np.array(found)


class World:
  """Some clips, on which architectures are trained and judged."""

  def __init__(self, model: Model, clips: int, rng: np.random.Generator):
    self._model = model
    self._clips = model.mean + model.clip * rng.standard_normal(clips)

  @property
  def clips(self) -> int:
    """How many clips there are."""
    return len(self._clips)

  def train(
    self, architecture: "Architecture", judges: np.ndarray, rng: np.random.Generator
  ) -> np.ndarray:
    """Returns z of a training about the clips of some indices."""
    seed, noise = rng.standard_normal(), rng.standard_normal(len(judges))
    persistent = self._clips[judges] + architecture.tastes[judges] + architecture.quality
    return persistent + self._model.seed * seed + self._model.noise * noise


@dataclasses.dataclass(frozen=True)
class Architecture:
  """What is the architecture's in its answers: quality, and tastes by clip."""

  quality: float
  tastes: np.ndarray

  @classmethod
  def random(cls, model: Model, world: World, rng: np.random.Generator) -> "Architecture":
    """Draws one."""
    return cls(
      model.quality * rng.standard_normal(), model.taste * rng.standard_normal(world.clips)
    )

  def child(self, model: Model, world: World, rng: np.random.Generator) -> "Architecture":
    """Draws a child, which varies as random ones do."""
    share, other = model.heritability, math.sqrt(1 - model.heritability**2)
    new = Architecture.random(model, world, rng)
    return Architecture(
      share * self.quality + other * new.quality, share * self.tastes + other * new.tastes
    )


def metrics(z: np.ndarray) -> dict[str, float]:
  """Returns the metrics of answers, as if the two likeliest classes had all of the probability."""
  return {
    "accuracy": float((z > 0).mean()),
    "margin": float(np.tanh(z / 2).mean()),
    "loss": float(np.logaddexp(0, -z).mean()),
  }
