"""Measures how well the fitness at a rung predicts the fitness at the last one.

    python -m tools.benchmarks.rung_fidelity --data_dir=D --out=OUT --candidates=16

Random architectures of a space are trained over all rungs of --rungs, as in a search with rungs,
but everybody is promoted. Each is trained twice, from the same seed, so that both ways of judging
at a rung can be compared:

    restart   the learning rate falls to zero before every rung and starts again after it
    averaged  it falls once, over all steps, and averaged weights are judged (--ema_decay)

Printed for each way and each rung is the Spearman rank correlation of the candidates' fitness there
with their fitness at the last rung, with a 95 % bootstrap interval over candidates, and with their
fitness at the last rung of the other way, which is another training of the same networks: how well
the last rungs of both agree shows what noise alone leaves. Equal fitness is told apart by the loss.
`kept` is the share of the best third at the last rung that is among the best third at the rung.
Below come the differences between both ways, for the same candidates drawn.

OUT keeps the metrics of every rung: after a kill the same command resumes and trains nothing twice.
The table is printed after each candidate that has been trained both ways.
"""

from collections.abc import Mapping, Sequence
import math
import os
import time

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import canonical
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture import space as space_lib
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.search import proposals
from official.search import rungs as rungs_lib
from tools.benchmarks import statistics_of_runs

WAYS = ("restart", "averaged")
_THIRD = 3
# Candidate -> rank key at every rung; the smaller is the better.
Keys = Mapping[int, Sequence[tuple[float, ...]]]

_DATA_DIR = flags.DEFINE_string(
  "data_dir", None, "Folder made by data_prep.extract.", required=True
)
_OUT = flags.DEFINE_string(
  "out", None, "Folder of all trainings; created or resumed.", required=True
)
_CANDIDATES = flags.DEFINE_integer(
  "candidates", 16, "Random architectures. More can be asked for later.", lower_bound=1
)
_RUNGS = flags.DEFINE_string("rungs", "R/9,R/3,R", "As in official.evolve.")
_STEPS = flags.DEFINE_integer("candidate_steps", 200, "R.", lower_bound=1)
_SPACE = flags.DEFINE_string("search_space", "small", "As in official.evolve.")
_EMA = flags.DEFINE_float("ema_decay", 0.9, "Decay of the averages of `averaged`.")
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 8, "Frames of a clip.", lower_bound=1)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Pixels of the square crop.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Random seed.", lower_bound=0)
_THREADS = flags.DEFINE_integer("threads", 1, "CPU threads of one operation.", lower_bound=1)


def main(arguments: Sequence[str]) -> None:
  del arguments
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  rungs = rungs_lib.steps(rungs_lib.resolved(_RUNGS.value, _STEPS.value))
  data_dir, out = cli.resolve_path(_DATA_DIR.value), cli.resolve_path(_OUT.value)
  found: dict[str, dict[int, list[tuple[float, ...]]]] = {way: {} for way in WAYS}
  for number, candidate in enumerate(_draw(data_dir)):
    for way in WAYS:
      folder = os.path.join(out, way, f"{number:06d}")
      metrics = _train(data_dir, out, folder, way, candidate, rungs)
      found[way][number] = [
        fitness_lib.rank(fitness_lib.compute(fitness_lib.DEFAULT, each), each["loss"], number)
        for each in metrics
      ]
    print(text(found, rungs), flush=True)


def text(found: Mapping[str, Keys], rungs: Sequence[int]) -> str:
  """Returns the table, of the candidates that were trained in every way."""
  numbers = sorted(set.intersection(*(set(keys) for keys in found.values())))
  tables = {way: ranks([keys[number] for number in numbers]) for way, keys in found.items()}
  lines = [
    f"candidates: {len(numbers)}",
    f"{'way':<10}{'steps':>7}  {'last rung':<24}other way's  kept",
  ]
  for way, table in tables.items():
    other = next(tables[name] for name in tables if name != way)
    for rung, steps in enumerate(rungs):
      own = told(table[:, [rung, -1]]) if rung < len(rungs) - 1 else ""
      crossed = statistics_of_runs.spearman(table[:, rung], other[:, -1])
      lines.append(f"{way:<10}{steps:>7}  {own:<24}{crossed:>11.2f}  {kept(table, rung):>4.2f}")
  restart, averaged = (tables[way] for way in WAYS)
  for rung, steps in enumerate(rungs[:-1]):
    rows = np.stack([restart[:, rung], restart[:, -1], averaged[:, rung], averaged[:, -1]], axis=1)
    lines.append(f"restart - averaged, {steps} steps: {told(rows)}")
  return "\n".join(lines)


def ranks(keys: Sequence[Sequence[tuple[float, ...]]]) -> np.ndarray:
  """Returns the place of every candidate at every rung, 0 for the best, [candidates, rungs]."""
  places = np.zeros((len(keys), len(keys[0]) if keys else 0))
  for rung in range(places.shape[1]):
    order = sorted(range(len(keys)), key=lambda index: keys[index][rung])
    places[order, rung] = np.arange(len(keys))
  return places


def kept(places: np.ndarray, rung: int) -> float:
  """Returns the share of the best third at the last rung that is in the best third at `rung`."""
  count = max(len(places) // _THIRD, 1)
  last = places[:, -1] < count
  return float((places[last, rung] < count).mean())


def told(rows: np.ndarray) -> str:
  """Returns the correlation of two columns, or the difference of those of two pairs, and its 95 %
  interval."""

  def statistic(drawn: np.ndarray) -> float:
    pairs = [
      statistics_of_runs.spearman(*drawn[:, at : at + 2].T) for at in range(0, drawn.shape[1], 2)
    ]
    return pairs[0] - pairs[1] if len(pairs) > 1 else pairs[0]

  value = statistic(rows)
  if math.isnan(value):
    return "?"
  interval = statistics_of_runs.bootstrap_interval(rows, statistic, seed=0, resamples=2000)
  return f"{value:+.2f}" + (f" [{interval[0]:+.2f}, {interval[1]:+.2f}]" if interval else "")


def _draw(data_dir: str) -> list[dict[str, object]]:
  """Returns the candidates, which are those of a random search of the same seed."""
  from official.training import config

  info = metadata.load(data_dir)
  setup = _setup(data_dir, "", "restart", (1, 2))
  space = space_lib.load_space(_SPACE.value).restricted_to(config.streams(setup, info))
  clip, seen, drawn = config.clip(setup, info), set(), []
  for number in range(_CANDIDATES.value):
    architecture = random_generation.found(
      space,
      proposals.generator(_SEED.value, number),
      clip=clip,
      is_new=lambda each: canonical.digest(each, clip.num_frames) not in seen,
    ).architecture
    seen.add(canonical.digest(architecture, clip.num_frames))
    drawn.append(
      {
        "number": number,
        "seed": proposals.training_seed(_SEED.value, number),
        "architecture": serialization.to_json(architecture),
      }
    )
  return drawn


def _setup(data_dir: str, cache_dir: str, way: str, rungs: Sequence[int]):
  """Returns the training of a candidate in one of the ways."""
  from official.training import config

  *lower, last = rungs
  how = (
    {"restart_steps": ",".join(map(str, lower))} if way == "restart" else {"ema_decay": _EMA.value}
  )
  return config.of(
    data_dir=data_dir,
    cache_dir=cache_dir,
    num_frames=_NUM_FRAMES.value,
    image_size=_IMAGE_SIZE.value,
    train_steps=last,
    batch_norm_steps=lower[0],
    threads=_THREADS.value,
    **how,
  )


def _train(
  data_dir: str,
  out: str,
  folder: str,
  way: str,
  candidate: Mapping[str, object],
  rungs: Sequence[int],
) -> list[Mapping[str, float]]:
  """Returns the metrics of a candidate at every rung, trained now or known."""
  from official.inputs import cache
  from official.training import candidate_trainer

  setup = _setup(data_dir, cache.directory(data_dir, out), way, rungs)
  evaluate = candidate_trainer.TrainingEvaluator(setup=setup)
  os.makedirs(folder, exist_ok=True)
  found: list[Mapping[str, float]] = []
  for steps in rungs:
    path = os.path.join(folder, f"after_{steps}.json")
    known = json_files.read_json(path, {}, "delete it")
    if known is None:
      start = time.process_time()
      stop = {} if steps == rungs[-1] else {"stop_at": steps}
      result = evaluate({**candidate, **stop}, folder)
      worst = {fitness_lib.DEFAULT: 0.0, "loss": math.inf}  # Infeasible: the last of all.
      known = dict(result.get("metrics") or worst)
      known["processor_seconds"] = round(time.process_time() - start, 1)
      json_files.write_json(path, known)
    found.append({name: math.inf if value is None else value for name, value in known.items()})
  return found


if __name__ == "__main__":
  cli.run(main)
