"""Prints the tables of a study, and draws its curves.

    python -m tools.study.report --study=tools/study/avletters.json \\
        --summary=docs/study/avletters.jsonl --plot=docs/study/avletters.svg

Intervals are 95 % bootstrap intervals of means over seeds; below some eight seeds they are narrower
than they should be. Differences are paired by seed.
"""

from collections.abc import Mapping, Sequence
import io
import os

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.common import files
from tools.benchmarks import statistics_of_runs as statistics
from tools.study import curves
from tools.study import plan
from tools.study import summary

_STUDY = flags.DEFINE_string("study", None, "JSON file of the study (plan.py).", required=True)
_SUMMARY = flags.DEFINE_string("summary", None, "What tools.study.run wrote.", required=True)
_PLOT = flags.DEFINE_string("plot", None, "Draws best-so-far curves into this file, .svg or .png.")

_BASELINE = "random_search"
BySeed = Mapping[int, summary.Line]


def main(arguments) -> None:
  del arguments
  study = plan.load(_STUDY.value)
  lines = summary.read(_SUMMARY.value)
  searches, hand_made = _by_arm(lines, "search"), _by_arm(lines, "hand_made")
  if not searches:
    raise cli.UserError(f"--summary={_SUMMARY.value} has no search yet; run tools.study.run")
  tables = [_searches(study, searches), _hand_made(hand_made), *_comparisons(searches, hand_made)]
  print("\n\n".join(filter(None, tables)))
  if _PLOT.value:
    _draw(
      study, {arm: runs for arm, runs in searches.items() if _is_alike(study, arm)}, _PLOT.value
    )


def _by_arm(lines: Sequence[summary.Line], kind: str) -> dict[str, dict[int, summary.Line]]:
  found: dict[str, dict[int, summary.Line]] = {}
  for line in lines:
    if line["kind"] == kind:
      found.setdefault(line["arm"], {})[line["seed"]] = line
  return found


def _is_alike(study: plan.Study, arm: str) -> bool:
  """Returns whether the candidates of an arm were trained for as many steps as the study's."""
  return arm in study.arms and not study.arms[arm].cheaper


def _searches(study: plan.Study, searches: Mapping[str, BySeed]) -> str:
  rows = [
    "| search | seeds | best in the search | its winner, trained to the end: validation | test "
    "| parameters | trainings to random search's best, as a share | processor minutes |",
    "|---|---|---|---|---|---|---|---|",
  ]
  for arm, runs in searches.items():
    best = [curves.best_so_far(run)[-1] for run in runs.values()]
    is_compared = arm != _BASELINE and _is_alike(study, arm)
    shares = curves.shares(runs, searches.get(_BASELINE, {})) if is_compared else []
    rows.append(
      f"| {arm} | {len(runs)} | {_mean(best)} | {_mean(_metric(runs, 'validation'))} "
      f"| {_mean(_metric(runs, 'test'))} | {_parameters(runs)} "
      f"| {_mean(shares)} "
      f"| {np.mean([curves.total_minutes(run) for run in runs.values()]):.1f} |"
    )
  return "\n".join(rows)


def _hand_made(hand_made: Mapping[str, BySeed]) -> str:
  if not hand_made:
    return ""
  rows = [
    "| hand-made network | seeds | validation | test | spread over seeds (test) | parameters |",
    "|---|---|---|---|---|---|",
  ]
  for arm, runs in hand_made.items():
    test = _metric(runs, "test")
    spread = f"{np.std(test, ddof=1):.3f}" if len(test) > 1 else "-"
    rows.append(
      f"| {arm} | {len(runs)} | {_mean(_metric(runs, 'validation'))} | {_mean(test)} | {spread} "
      f"| {_parameters(runs)} |"
    )
  return "\n".join(rows)


def _comparisons(searches: Mapping[str, BySeed], hand_made: Mapping[str, BySeed]) -> list[str]:
  """Returns the table of differences in test accuracy, if there is any."""
  rows = ["| difference in test accuracy | seeds | mean |", "|---|---|---|"]
  baseline = searches.get(_BASELINE)
  by_hand = curves.best_by_validation(hand_made)
  for arm, runs in searches.items():
    if baseline and arm != _BASELINE:
      rows.append(_difference(f"{arm} - {_BASELINE}", runs, baseline))
    if by_hand:
      rows.append(_difference(f"{arm} - {by_hand} (hand-made)", runs, hand_made[by_hand]))
  return ["\n".join(rows)] if len(rows) > 2 else []


def _difference(name: str, ours: BySeed, theirs: BySeed) -> str:
  differences = statistics.paired_differences(
    {seed: run["final"]["test"]["accuracy"] for seed, run in ours.items()},
    {seed: run["final"]["test"]["accuracy"] for seed, run in theirs.items()},
  )
  return f"| {name} | {len(differences)} | {_mean(differences, sign='+')} |"


def _metric(runs: BySeed, split: str) -> list[float]:
  return [run["final"][split]["accuracy"] for run in runs.values()]


def _parameters(runs: BySeed) -> str:
  return f"{np.mean([run['final']['params'] for run in runs.values()]):,.0f}"


def _mean(values: Sequence[float] | np.ndarray, sign: str = "") -> str:
  """Returns the mean with its interval, for people."""
  if not len(values):
    return "-"
  interval = statistics.mean_interval(values, seed=0)
  bounds = f" [{interval[0]:{sign}.3f}, {interval[1]:{sign}.3f}]" if interval else ""
  return f"{np.mean(values):{sign}.3f}{bounds}"


def _draw(study: plan.Study, searches: Mapping[str, BySeed], path: str) -> None:
  """Draws best-so-far validation accuracy over trainings and over processor minutes."""
  import matplotlib

  matplotlib.use("Agg")
  matplotlib.rcParams["svg.hashsalt"] = study.name  # Equal summaries give equal files.
  matplotlib.rcParams["svg.fonttype"] = "none"  # Text is text, and the file is short.
  from matplotlib import pyplot

  figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True)
  for arm, runs in searches.items():
    over_trainings = np.array([curves.best_so_far(run) for run in runs.values()])
    steps = np.arange(1, over_trainings.shape[1] + 1)
    _band(left, steps, over_trainings, arm)
    grid, over_time = curves.over_minutes(list(runs.values()))
    _band(right, grid, over_time, arm)
  left.set_xlabel("trainings")
  right.set_xlabel("processor minutes")
  left.set_ylabel("best validation accuracy so far")
  left.legend(fontsize=8, loc="lower right")
  figure.suptitle(f"{study.name}: mean over seeds, and the range over seeds")
  figure.tight_layout()
  kind = os.path.splitext(path)[1].removeprefix(".") or "svg"
  drawn = io.BytesIO()
  figure.savefig(drawn, format=kind, metadata={"Date": None} if kind == "svg" else None)
  files.write_bytes(path, drawn.getvalue())
  print(f"\ncurves: {path}")


def _band(axes, x: np.ndarray, values: np.ndarray, label: str) -> None:
  (line,) = axes.plot(x, values.mean(axis=0), label=label)
  axes.fill_between(x, values.min(axis=0), values.max(axis=0), color=line.get_color(), alpha=0.15)


if __name__ == "__main__":
  cli.run(main)
