"""Runs a study: searches in several ways and hand-made networks, over several seeds.

    python -m tools.study.run --study=tools/study/avletters.json --manifest=MANIFEST \\
        --study_dir=DIR --seeds=0,1,2,3,4

Every arm of the study is an ordinary search (official.evolve), every hand-made network an ordinary
training (official.train), each in a folder of its own below DIR. What has finished is not run
again, what was interrupted resumes, and seeds and arms can be added later. DIR/summary.jsonl has
one line for each that has finished: --summary names a file that gets them too, beside those of
other machines that it has already. `python -m tools.study.report` makes tables and a picture of it.

The test split is read by the training of a winner to the end alone, after its search.
"""

from collections.abc import Callable, Iterator, Sequence
import concurrent.futures
import csv
import io
import os
import shutil
import subprocess
import sys

from absl import flags

from data_prep.common import cli
from data_prep.common import files
from tools.study import plan
from tools.study import summary

_STUDY = flags.DEFINE_string("study", None, "JSON file of the study (plan.py).", required=True)
_MANIFEST = flags.DEFINE_string(
  "manifest", None, "CSV with path,label,split: the videos.", required=True
)
_STUDY_DIR = flags.DEFINE_string("study_dir", None, "Folder of all runs.", required=True)
_SUMMARY = flags.DEFINE_string(
  "summary", None, "JSON lines file that receives the summaries; seeds that it has already stay."
)
_ARMS = flags.DEFINE_list("arms", [], "Arms to run; default: all of the study.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "Seeds to run.")
_HAND_MADE = flags.DEFINE_bool("hand_made", True, "Trains the hand-made networks, too.")
_INCUMBENTS = flags.DEFINE_bool(
  "incumbents",
  False,
  "Trains to the end also those candidates that were the best of their search for a while.",
)
_PARALLEL = flags.DEFINE_integer(
  "parallel", 1, "Seeds that run at the same time, each on one core.", lower_bound=1
)


def main(arguments) -> None:
  del arguments
  study = plan.load(_STUDY.value)
  seeds = _numbers(_SEEDS.value)
  arms = [study.arms[name] for name in plan.chosen("arms", _ARMS.value, list(study.arms))]
  folder = os.path.abspath(_STUDY_DIR.value)
  os.makedirs(folder, exist_ok=True)
  data = _dataset(study, cli.resolve_path(_MANIFEST.value), folder)
  steps = [_Steps(study, data, folder, seed) for seed in seeds]

  def write() -> None:
    lines = summary.read_runs(folder, study)
    for path in filter(None, (os.path.join(folder, "summary.jsonl"), _SUMMARY.value)):
      summary.write(lines, path)

  with concurrent.futures.ThreadPoolExecutor(_PARALLEL.value) as pool:
    for _ in pool.map(lambda step: step.run(arms, write), steps):
      pass
  write()
  where = _SUMMARY.value or os.path.join(folder, "summary.jsonl")
  print(f"next: python -m tools.study.report --study={_STUDY.value} --summary={where}")


class _Steps:
  """What is run of one seed, one after the other."""

  def __init__(self, study: plan.Study, data: str, folder: str, seed: int):
    self._study = study
    self._data = data
    self._folder = folder
    self._seed = seed

  def run(self, arms: Sequence[plan.Arm], done: Callable[[], None]) -> None:
    """Runs whatever has not finished, and calls `done` after each."""
    for arm in arms:
      self._search(arm)
      done()
    if _HAND_MADE.value:
      for pattern in self._study.hand_made.patterns:
        self._train(self._study.hand_made.architecture(pattern), f"hand_made/{pattern}")
        done()
    if _INCUMBENTS.value:
      for arm in arms:
        for number in summary.incumbents(self._path(arm.name)):
          run = self._path(arm.name)
          candidate = os.path.join(run, "candidates", f"{number:06d}", "candidate.json")
          self._train(candidate, f"incumbents/{arm.name}/{number:06d}")
          done()

  def _path(self, name: str) -> str:
    return os.path.join(self._folder, "runs", name, str(self._seed))

  def _search(self, arm: plan.Arm) -> None:
    run = self._path(arm.name)
    if summary.is_finished(os.path.join(run, "final")):
      return
    if not os.path.exists(run) and not arm.own_founders:
      self._share_founders(run)
    shared = (f"--data_dir={self._data}", f"--model_dir={run}", f"--seed={self._seed}")
    flags_of_arm = (*self._study.evolve_flags, *arm.flags)
    self._command(f"{arm.name}, seed {self._seed}", run, "official.evolve", *shared, *flags_of_arm)

  def _train(self, architecture: str, name: str) -> None:
    run = self._path(name)
    if summary.is_finished(run):
      return
    self._command(
      f"{name}, seed {self._seed}",
      run,
      "official.train",
      f"--architecture={architecture}",
      f"--data_dir={self._data}",
      f"--model_dir={run}",
      f"--seed={self._seed}",
      f"--train_steps={self._study.final_steps}",
      "--threads=1",
      "--num_gpus=0",
      *self._study.training_flags,
    )

  def _share_founders(self, run: str) -> None:
    """Copies the first candidates of this seed from an arm that has trained them all."""
    count = self._study.population_size
    for arm in self._study.arms.values():
      found = [
        os.path.join(self._path(arm.name), "candidates", f"{number:06d}") for number in range(count)
      ]
      if arm.own_founders or not all(map(summary.is_finished, found)):
        continue
      partial = run + ".partial"
      shutil.rmtree(partial, ignore_errors=True)
      for candidate in found:
        copy = os.path.join(partial, "candidates", os.path.basename(candidate))
        os.makedirs(copy)
        for name in ("candidate.json", "timing.json", "result.json"):
          shutil.copy2(os.path.join(candidate, name), copy)
      os.rename(partial, run)
      return

  def _command(self, label: str, run: str, module: str, *arguments: str) -> None:
    print(f"{label}: python -m {module} ...", flush=True)
    os.makedirs(os.path.dirname(run), exist_ok=True)
    log = run + ".log"
    with open(log, "a", encoding="utf-8") as file:
      status = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=file,
        stderr=subprocess.STDOUT,
        check=False,
      ).returncode
    if status:
      raise cli.UserError(f"{label} ended with exit status {status}; see the end of {log}")


def _dataset(study: plan.Study, manifest: str, folder: str) -> str:
  """Prepares the videos of the study, unless they are there; returns the dataset's folder."""
  data = os.path.join(folder, "dataset")
  if os.path.exists(os.path.join(data, "dataset.json")):
    return data
  part = os.path.join(folder, "manifest.csv")
  with open(manifest, encoding="utf-8", newline="") as file:
    rows = list(_rows(csv.DictReader(file), study.labels, os.path.dirname(manifest)))
  if not rows:
    raise cli.UserError(f"--manifest={manifest} has no clip with a label of the study")
  text = io.StringIO()
  writer = csv.DictWriter(text, rows[0].keys())
  writer.writeheader()
  writer.writerows(rows)
  files.write_bytes(part, text.getvalue().encode())
  command = (f"--manifest={part}", f"--output_dir={data}", *study.extract_flags)
  subprocess.run([sys.executable, "-m", "data_prep.extract", *command], check=True)
  return data


def _rows(
  rows: csv.DictReader, labels: Sequence[str] | None, folder: str
) -> Iterator[dict[str, str]]:
  """Yields the rows of some labels, with paths that hold wherever the manifest lies."""
  for row in rows:
    if labels is None or row["label"] in labels:
      yield {**row, "path": os.path.join(folder, row["path"])}


def _numbers(texts: Sequence[str]) -> list[int]:
  if not all(text.isdecimal() for text in texts):
    raise cli.UserError(f"--seeds={','.join(texts)} are no seeds; give numbers such as 0,1,2")
  return [int(text) for text in texts]


if __name__ == "__main__":
  cli.run(main)
