"""The command line of official.evolve, each time in a process of its own."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.architecture import space

ROOT = str(pathlib.Path(__file__).resolve().parents[1])
EVOLVE = ["-m", "official.evolve"]
FAKE = [os.path.join(ROOT, "tests", "search", "fake_evolve.py")]


def call(program, *flags, cwd=ROOT):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  return subprocess.run(
    [sys.executable, *program, *flags],
    cwd=cwd,
    env=environment,
    text=True,
    capture_output=True,
    timeout=120,
    check=False,
  )


def make_dataset(directory, *, streams=("rgb", "flow"), validation=2, multi_label=False):
  """Writes a dataset.json; its clips are nobody's business here."""
  kinds = {
    "rgb": StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg"),
    "flow": StreamInfo(
      kind="flow", channels=2, format="png", bound=20.0, feature="FORWARD_FLOW/image/encoded"
    ),
    "depth": StreamInfo(kind="image", channels=1, format="png", feature="DEPTH/image/encoded"),
  }
  splits = {"train": 4, "validation": validation, "test": 0}
  os.makedirs(directory, exist_ok=True)
  metadata.save(
    metadata.DatasetInfo(
      classes=("a", "b"),
      streams={name: kinds[name] for name in streams},
      fps=25.0,
      short_side=64,
      splits={
        name: metadata.SplitInfo(clips=clips, frames=20 * clips, shards=1)
        for name, clips in splits.items()
      },
      failures=0,
      multi_label=multi_label,
      manifest_sha256="0",
      settings={},
      versions={},
    ),
    str(directory),
  )
  return str(directory)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  return make_dataset(tmp_path_factory.mktemp("data"))


def refusal(process):
  """Returns the one line that a refused command prints."""
  assert process.returncode == 2, process.stderr
  assert process.stdout == ""
  lines = process.stderr.splitlines()
  assert len(lines) == 1, process.stderr
  return lines[0]


def test_help_lists_the_flags_and_imports_no_tensorflow():
  code = (
    "import runpy, sys\n"
    "sys.argv = ['evolve', '--help']\n"
    "try:\n"
    "  runpy.run_module('official.evolve', run_name='__main__', alter_sys=True)\n"
    "except SystemExit as left:\n"
    "  assert not left.code\n"
    "assert 'tensorflow' not in sys.modules"
  )
  process = call(["-c", code])
  assert process.returncode == 0, process.stderr
  for flag in (
    "data_dir",
    "model_dir",
    "search_space",
    "population_size",
    "weight_threshold",
    "candidate_steps",
    "final_steps",
    "workers",
    "threads_per_candidate",
    "flagfile",
  ):
    assert f"--{flag}" in process.stdout


@pytest.mark.parametrize(
  "flags, message",
  [
    (["--data_dir="], "error: --data_dir is missing (Folder made by data_prep.extract: "),
    (["--model_dir="], "error: --model_dir is missing (Folder of the run: "),
    (
      ["--population_size=4", "--tournament_size=5"],
      "error: --tournament_size=5 is above --population_size=4; ",
    ),
    (
      ["--objectives=accuracy,size"],
      "error: --objectives=accuracy,size names 'size', which is no ",
    ),
    (["--final=knee"], "error: --final=knee needs several objectives; give --objectives=accuracy,"),
    (
      ["--search_space=tiny"],
      "error: no search space 'tiny': the names are paper, patent, restoration, segmentation, ",
    ),
    (["--candidate_step=5"], "error: Unknown command line flag 'candidate_step'. Did you mean: "),
    (["--rounds=many"], "error: flag --rounds=many: "),
    (["--remove=best"], "error: flag --remove=best: value should be one of <worst|"),
    (
      ["--candidate_steps=0"],
      "error: --candidate_steps=0 is out of range; give a number of at least 1",
    ),
    (["--learning_rate=0"], "error: --learning_rate=0.0 is out of range; give a number above 0"),
    (
      ["--distribution_strategy=multi_worker_mirrored"],
      "error: --distribution_strategy=multi_worker_mirrored, and a candidate trains on one machine",
    ),
    (
      ["--distribution_strategy=tpu", "--tpu=grpc://10.0.0.2:8470"],
      "error: --tpu=grpc://10.0.0.2:8470 is a TPU of another machine, which cannot read clips ",
    ),
    (["--tpu=my-tpu"], "error: --tpu=my-tpu is a TPU of another machine, which cannot read clips "),
    (["--workers=0"], "error: --workers=0 is out of range; give a number of at least 1"),
    (["--weight_threshold=half"], "error: --weight_threshold=half is neither a number "),
    (
      ["--candidate_timeout=0"],
      "error: --candidate_timeout=0.0 is out of range; give a number above 0",
    ),
    (
      ["--executor=inline", "--candidate_timeout=9"],
      "error: --executor=inline cannot end a candidate after --candidate_timeout=9.0; ",
    ),
    (
      ["--executor=inline", "--workers=2"],
      "error: --executor=inline runs one candidate at a time, not --workers=2; ",
    ),
    (["--ray_address=auto"], "error: --ray_address=auto needs --executor=ray, and it is local"),
    (["--gpus_per_candidate=99"], "error: --gpus_per_candidate=99 needs as many GPUs, of which "),
    (["--start_from=/nowhere"], "error: --start_from=/nowhere: no run, it has no search.json"),
    (["--model_dir=/r[1]"], "error: --model_dir=/r[1]: TensorFlow takes [ and ] in the path "),
    (["stray"], "error: unexpected argument 'stray'"),
  ],
)
def test_a_mistake_is_one_line_and_nothing_is_made(tmp_path, data, flags, message):
  run = tmp_path / "run"
  process = call(EVOLVE, f"--data_dir={data}", f"--model_dir={run}", *flags)
  assert refusal(process).startswith(message)
  assert not run.exists()


@pytest.mark.slow
def test_a_machine_without_a_tpu_is_told_in_one_line(tmp_path, data):
  run = tmp_path / "run"
  process = call(
    EVOLVE,
    f"--data_dir={data}",
    f"--model_dir={run}",
    "--executor=inline",
    "--distribution_strategy=tpu",
    "--tpu=local",
  )
  assert refusal(process).startswith("error: --distribution_strategy=tpu: no TPU at --tpu=local: ")
  assert not run.exists()


@pytest.mark.parametrize(
  "options, message",
  [
    (None, "is no finished dataset: it has no dataset.json; make one with "),
    ({"validation": 0}, "has no usable validation clips; give some rows of the manifest "),
    ({"multi_label": True}, "has clips with several labels, for which there is no accuracy; "),
    ({"streams": ("depth",)}, "search space 'small' has no stem that reads only depth; "),
  ],
)
def test_data_that_cannot_be_searched_on_is_refused(tmp_path, options, message):
  folder = str(tmp_path / "data")
  if options is not None:
    make_dataset(folder, **options)
  process = call(EVOLVE, f"--data_dir={folder}", f"--model_dir={tmp_path / 'run'}")
  assert message in refusal(process)
  assert not (tmp_path / "run").exists()


def search(data, run, *flags, **options):
  return call(
    FAKE,
    f"--data_dir={data}",
    f"--model_dir={run}",
    "--population_size=4",
    "--tournament_size=2",
    "--rounds=2",
    "--seed=1",
    *flags,
    **options,
  )


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
  directory = tmp_path_factory.mktemp("searched") / "run"
  process = search(data, directory)
  assert process.returncode == 0, process.stderr
  return directory


def test_a_search_leaves_its_candidates_and_a_final_training(run):
  assert sorted(path.name for path in (run / "candidates").iterdir()) == [
    f"{number:06d}" for number in range(6)
  ]
  assert (run / "final" / "result.json").exists()


def test_identity_and_operation_are_recorded_by_flag(run, data):
  recorded = json.loads((run / "search.json").read_text())
  assert recorded["identity"]["seed"] == 1
  assert recorded["identity"]["data_dir"] == metadata.load(data).fingerprint
  assert recorded["identity"]["search_space"]["name"] == "small"
  assert recorded["operation"] == {
    "rounds": 2,
    "workers": 1,
    "keep_checkpoints": 5,
    "max_hours": None,
    "target_fitness": None,
    "max_retries": 1,
    "candidate_timeout": None,
    "final": "best",
    "top_k": 3,
    "confirm": None,
    "export": "best",
    "final_steps": 1000,
    "executor": "local",
    "data_dir": data,
  }


@pytest.mark.parametrize(
  "flag, message",
  [
    ("--seed=2", "--seed was 1 and is 2 now"),
    ("--flow=in_graph", "--flow was stored and is in_graph now"),
    ("--ema_decay=0.9", "--ema_decay was null and is 0.9 now"),
    ("--deterministic=false", "--deterministic was true and is false now"),
    ("--candidate_steps=7", "--candidate_steps was 200 and is 7 now"),
    ("--weight_threshold=uniform", "--weight_threshold was 0.5 and is uniform now"),
    ("--threads_per_candidate=99", "--threads_per_candidate was "),
  ],
)
def test_a_run_directory_of_another_identity_is_refused_by_flag(run, data, flag, message):
  line = refusal(search(data, run, flag))
  assert line.startswith(f"error: {run} belongs to another run: {message}")
  assert line.endswith("; give the flags it was made with, or another --model_dir")


def test_a_run_that_was_begun_before_the_flag_is_deterministic(run, data, tmp_path):
  old = shutil.copytree(run, tmp_path / "run")
  content = json.loads((old / "search.json").read_text())
  del content["identity"]["deterministic"]
  (old / "search.json").write_text(json.dumps(content))
  line = refusal(search(data, old, "--deterministic=false"))
  assert "--deterministic was true and is false now" in line
  process = search(data, old)
  assert process.returncode == 0, process.stderr
  assert json.loads((old / "search.json").read_text())["identity"]["deterministic"] is True


def test_other_data_is_refused(run, tmp_path):
  other = make_dataset(tmp_path, validation=3)
  assert "belongs to another run: --data_dir was " in refusal(search(other, run))


def test_more_rounds_and_workers_may_be_asked_for(run, data):
  process = search(data, run, "--rounds=3", "--workers=2")
  assert process.returncode == 0, process.stderr
  assert "6 candidates proposed, 0 of them in flight" in process.stdout
  assert len(list((run / "candidates").iterdir())) == 7


def test_an_ensemble_of_the_best_may_be_asked_for(data, tmp_path):
  process = search(data, tmp_path / "run", "--final=ensemble", "--top_k=2")
  assert process.returncode == 0, process.stderr
  assert "the ensemble of 2 lies in " in process.stdout
  found = json.loads((tmp_path / "run" / "final" / "result.json").read_text())
  assert len(found["members"]) == 2 and found["export"] == "export/1"


def test_a_search_may_start_from_the_best_of_another(run, data, tmp_path):
  process = search(data, tmp_path / "run", f"--start_from={run}")
  assert process.returncode == 0, process.stderr
  founder = json.loads((tmp_path / "run/candidates/000000/candidate.json").read_text())["founder"]
  assert list(founder) == ["start_from"]


def test_flags_may_come_from_a_file_and_paths_are_the_callers(data, tmp_path):
  (tmp_path / "search.flags").write_text(
    f"--data_dir={os.path.relpath(data, tmp_path)}\n--model_dir=run\n--population_size=2\n"
    "--tournament_size=1\n--rounds=0\n--executor=inline\n"
  )
  process = call(FAKE, "--flagfile=search.flags", cwd=tmp_path)
  assert process.returncode == 0, process.stderr
  assert (tmp_path / "run" / "search.json").exists()


def test_a_printed_search_space_can_be_given_back(tmp_path):
  process = call(["-m", "official.evolve", "--print_search_space=paper"])
  assert process.returncode == 0, process.stderr
  file = tmp_path / "mine.json"
  file.write_text(process.stdout)
  assert space.load_space(str(file)) == space.load_space("paper")


def test_what_makes_no_difference_and_a_loss_are_told_at_the_start_and_positive(data, tmp_path):
  process = search(data, tmp_path / "run", "--num_frames=2", "--fitness=loss")
  lines = process.stdout.splitlines()
  assert lines[0].startswith(
    "--search_space: temporal_dilations 2, 4 reach beyond clips of 2 frames (--num_frames)"
  )
  assert process.stdout.count("reach beyond") == 1
  assert "best loss 0." in process.stdout and "loss -" not in process.stdout


def test_founders_of_another_space_are_refused_before_anything_is_written(run, data, tmp_path):
  process = call(
    FAKE,
    f"--data_dir={data}",
    f"--model_dir={tmp_path / 'new'}",
    f"--start_from={run}",
    "--search_space=paper",
  )
  line = refusal(process)
  assert "none of its" in line and "architectures fits; the best has the stems " in line
  assert "the space has no such set; choose another --search_space or another run" in line
  assert not (tmp_path / "new").exists()
