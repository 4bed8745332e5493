"""The command line of official.train, each time in a process of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.architecture import presets
from official.architecture import serialization
from official.architecture import sources
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.serving import saved_model
from official.serving import verification

ROOT = str(pathlib.Path(__file__).resolve().parents[1])
TRAIN = ["-m", "official.train"]


def call(program, *flags):
  return subprocess.run(
    [sys.executable, *program, *flags],
    cwd=ROOT,
    text=True,
    capture_output=True,
    timeout=240,
    check=False,
  )


@pytest.fixture(scope="module")
def architecture(tmp_path_factory):
  """A file with a small architecture that reads rgb and flow."""
  stems = [
    Block(id=f"{name}_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(name,))
    for name in ("rgb", "flow")
  ]
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, spatial_stride=2)
  path = tmp_path_factory.mktemp("architecture") / "architecture.json"
  path.write_text(
    json.dumps(
      serialization.to_json(
        Architecture((*stems, block), tuple(Connection(stem.id, block.id) for stem in stems))
      )
    )
  )
  return str(path)


@pytest.fixture(scope="module")
def rgb_data(tmp_path_factory):
  """A dataset.json without flow; its clips are nobody's business here."""
  directory = str(tmp_path_factory.mktemp("rgb"))
  split = metadata.SplitInfo(clips=4, frames=80, shards=1)
  metadata.save(
    metadata.DatasetInfo(
      classes=("a", "b"),
      fps=25.0,
      short_side=64,
      failures=0,
      multi_label=False,
      streams={"rgb": StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")},
      splits=dict.fromkeys(metadata.SPLITS, split),
      manifest_sha256="0",
      settings={},
      versions={},
    ),
    directory,
  )
  return directory


@pytest.mark.parametrize(
  "flags, message",
  [
    (["--architecture="], "error: --architecture is missing (What is trained: "),
    (["--architecture=no.json"], "error: --architecture=no.json is no file, and no network has "),
    (["--data_dir="], "error: --data_dir is missing (Folder made by data_prep.extract: "),
    (["--model_dir="], "error: --model_dir is missing (Folder of the training: "),
    (["--train_steps=0"], "error: --train_steps=0 is out of range; give a number of at least 1"),
    (["--model_dir=/r*"], "error: --model_dir=/r*: TensorFlow takes * in the path /r* for a "),
    (["--num_gpus=-1"], "error: --num_gpus=-1 is out of range; give a number of at least 0"),
    (
      ["--distribution_strategy=tpu", "--tpu=grpc://10.0.0.2:8470"],
      "error: --tpu=grpc://10.0.0.2:8470 is a TPU of another machine, which cannot read clips ",
    ),
    (
      [],
      "error: --architecture={architecture} reads the stream flow, and {data} has rgb; give "
      "--flow=in_graph, which computes it from the frames",
    ),
    (["--describe"], "error: --architecture={architecture} reads the stream flow, and {data} has "),
  ],
)
def test_a_mistake_is_one_line_and_nothing_is_made(
  tmp_path, architecture, rgb_data, flags, message
):
  run = tmp_path / "run"
  process = call(
    TRAIN, f"--architecture={architecture}", f"--data_dir={rgb_data}", f"--model_dir={run}", *flags
  )
  assert (process.returncode, process.stdout) == (2, "")
  [line] = process.stderr.splitlines()
  assert line.startswith(message.format(architecture=architecture, data=rgb_data))
  assert not run.exists()


def test_connection_weights_that_are_not_there_cannot_be_frozen(tmp_path):
  process = call(
    TRAIN,
    "--architecture=two-stream-fully-connected",
    "--freeze_connection_weights",
    f"--data_dir={tmp_path}",
    f"--model_dir={tmp_path}/run",
  )
  assert (process.returncode, process.stdout) == (2, "")
  [line] = process.stderr.splitlines()
  assert line.startswith("error: connection weights cannot be frozen: the architecture comes ")
  assert line.endswith(
    "give a network by name or a structure list that has them, or --init_checkpoint"
  )


def _without_tensorflow(*flags):
  code = (
    "import runpy, sys\n"
    f"sys.argv = ['train', *{list(flags)}]\n"
    "try:\n"
    "  runpy.run_module('official.train', run_name='__main__', alter_sys=True)\n"
    "except SystemExit as left:\n"
    "  assert not left.code, left.code\n"
    "assert 'tensorflow' not in sys.modules"
  )
  process = call(["-c", code])
  assert process.returncode == 0, process.stderr
  return process.stdout


def test_help_lists_the_flags_of_both_modules_and_imports_no_tensorflow():
  text = _without_tensorflow("--help")
  for flag in ("architecture", "describe", "train_steps", "num_gpus", "learning_rate", "data_dir"):
    assert f"--{flag}" in text


def test_describe_prints_the_table_and_imports_no_tensorflow(architecture, rgb_data):
  lines = _without_tensorflow("--describe", f"--architecture={architecture}").splitlines()
  assert lines[0].split() == [
    *("block", "kind", "output", "parameters", "MMADD", "MB", "reads", "from")
  ]
  assert lines[-2].split()[:2] == ["head", "339"]


def test_describe_knows_what_a_candidate_has_learned_and_draws_it(tmp_path, architecture):
  folder = tmp_path / "candidates" / "000003"
  folder.mkdir(parents=True)
  content = json.loads(pathlib.Path(architecture).read_text())
  (folder / "candidate.json").write_text(
    json.dumps({"number": 3, "seed": 0, "architecture": content})
  )
  weights = [{**each, "start": 0.5, "end": 0.125} for each in content["connections"]]
  (folder / "result.json").write_text(
    json.dumps({"number": 3, "status": "infeasible", "connection_weights": weights})
  )
  picture = tmp_path / "net.svg"
  lines = _without_tensorflow(
    "--describe", f"--architecture={folder}/candidate.json", f"--output={picture}"
  ).splitlines()
  assert lines[-1] == f"{picture} shows it."
  assert lines[-2] == "* a weight of 0.5 or less"
  source = content["connections"][0]["source"]
  assert any(f"{source} 0.12" in line for line in lines)
  assert f"{source} to " in picture.read_text()


@pytest.mark.parametrize(
  "flags, message",
  [
    (["--describe", "--output=net.pdf"], "a network is drawn to a file whose name ends in .svg or"),
    (["--output=net.svg"], "goes with --describe, which draws a network"),
    (["--describe", "--output=/nowhere/net.svg"], "cannot be written: No such file or directory"),
  ],
)
def test_a_picture_that_cannot_be_drawn_is_one_line(architecture, flags, message):
  process = call(TRAIN, f"--architecture={architecture}", *flags)
  assert process.returncode == 2
  [line] = process.stderr.splitlines()
  assert line.startswith("error: --output=") and message in line


def test_describe_counts_flow_that_is_computed(architecture, rgb_data):
  process = call(
    TRAIN,
    "--describe",
    f"--architecture={architecture}",
    f"--data_dir={rgb_data}",
    "--flow=in_graph",
  )
  assert process.stdout.splitlines()[-1].startswith("8x32x32 flow+rgb, 2 classes: ")


def _train(architecture, data, run, *flags):
  return [
    *TRAIN,
    f"--architecture={architecture}",
    f"--data_dir={data}",
    f"--model_dir={run}",
    "--train_steps=40",
    "--batch_size=4",
    "--num_frames=4",
    "--image_size=16",
    "--checkpoint_steps=10",
    *flags,
  ]


def _wait_for_step(run, step):
  """Waits until a training has made as many steps."""
  deadline = time.monotonic() + 200
  while time.monotonic() < deadline:
    try:
      progress = json.loads((run / "progress.json").read_text())
    except FileNotFoundError:
      progress = {}
    if progress.get("step", 0) >= step and progress["phase"] != "preparing":
      return
    time.sleep(0.05)
  raise AssertionError(f"no step {step} in time")


@pytest.fixture(scope="module")
def interrupted(architecture, sample_dataset, tmp_path_factory):
  """A training that got Ctrl-C and was started again; its folder, and what the processes said. A
  copy of the folder beside it, `left`, is as the first process left it."""
  run = tmp_path_factory.mktemp("interrupted") / "run"
  command = _train(architecture, sample_dataset, run)
  process = subprocess.Popen(
    [sys.executable, *command], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
  )
  _wait_for_step(run, 10)
  process.send_signal(signal.SIGINT)
  _, errors = process.communicate(timeout=100)
  assert not (run / "result.json").exists()
  shutil.copytree(run, run.parent / "left")
  first = subprocess.CompletedProcess(command, process.returncode, stderr=errors)
  return run, first, call(_train(architecture, sample_dataset, run, "--threads=1"))


@pytest.mark.slow
def test_ctrl_c_leaves_with_a_checkpoint(interrupted):
  _, first, _ = interrupted
  assert first.returncode == -signal.SIGTERM
  assert "leaving with a checkpoint; the same command resumes from it" in first.stderr


@pytest.mark.slow
def test_a_training_that_was_interrupted_goes_on_to_report_and_export(interrupted):
  run, _, second = interrupted
  assert second.returncode == 0, second.stderr
  assert f"export: {run}/export/1" in second.stdout.splitlines()
  assert second.stdout.splitlines()[-1] == f"report: {run}/report.html"
  assert (run / "report.html").is_file()
  result = json.loads((run / "result.json").read_text())
  report = json.loads((run / "report.json").read_text())
  assert (report["split"], report["metrics"]) == ("test", result["metrics"]["test"])
  right = sum(report["confusion"][index][index] for index in range(6))
  assert right / report["clips"] == pytest.approx(result["metrics"]["test"]["accuracy"])
  for name in ("report.txt", "confusion.png", "export/1/saved_model.pb"):
    assert os.path.exists(run / name)


@pytest.mark.slow
def test_a_network_that_reads_flow_is_trained_on_frames_alone_and_served(
  architecture, rgb_dataset, tmp_path
):
  run = tmp_path / "run"
  process = call(
    _train(
      architecture,
      rgb_dataset,
      run,
      "--train_steps=10",
      "--flow=in_graph",
      "--cache=none",
      "--threads=1",
    )
  )
  assert process.returncode == 0, process.stderr
  version = saved_model.Version(str(run / "export" / "1"))
  assert version.streams["flow"].profile == "in_graph"
  assert all(finding.ok for finding in verification.verify(version))
  card = (run / "export" / "1" / "model_card.md").read_text()
  assert "Optical flow was computed from its frames, as it is computed here." in card


# A training that looks after every step whether to leave, where others make many steps in between.
_WATCHFUL = """
import runpy
from official.training import trainer
trainer._SECONDS_WITHOUT_A_LOOK = 0.0
runpy.run_module("official.train", run_name="__main__", alter_sys=True)
"""


def _free_ports(count):
  """Returns ports that nobody listens on."""
  with contextlib.ExitStack() as stack:
    sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
    for some in sockets:
      some.bind(("127.0.0.1", 0))
    return [some.getsockname()[1] for some in sockets]


@contextlib.contextmanager
def _two_processes(flags, scratch):
  """Starts two processes of one training, the second one a watchful one; kills what is left."""
  workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
  processes = []
  try:
    for index, program in enumerate([TRAIN, ["-c", _WATCHFUL]]):
      task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
      processes.append(
        subprocess.Popen(
          [sys.executable, *program, *flags],
          cwd=ROOT,
          text=True,
          stdout=subprocess.PIPE,
          stderr=subprocess.PIPE,
          env={**os.environ, "TF_CONFIG": json.dumps(task), "TMPDIR": str(scratch)},
        )
      )
    yield processes
  finally:
    for process in processes:
      process.kill()
      process.wait()


@pytest.mark.slow
def test_two_processes_go_on_with_the_training_of_one_as_one_does(
  architecture, sample_dataset, interrupted, tmp_path
):
  run, scratch = tmp_path / "run", tmp_path / "scratch"
  shutil.copytree(interrupted[0].parent / "left", run)
  scratch.mkdir()
  flags = _train(
    architecture,
    sample_dataset,
    run,
    "--threads=1",
    "--distribution_strategy=multi_worker_mirrored",
  )[len(TRAIN) :]
  with _two_processes(flags, scratch) as processes:
    for process in processes:
      output, errors = process.communicate(timeout=240)
      assert process.returncode == 0, errors[-2000:]
  one, two = (
    json.loads((folder / "result.json").read_text())["metrics"] for folder in (interrupted[0], run)
  )
  for split in ("validation", "test"):
    assert two[split]["loss"] == pytest.approx(one[split]["loss"], rel=1e-2)
  # The second process, whose output is the last one, wrote nothing but what it says of itself.
  assert "export:" not in output
  assert sorted(path.name for path in (run / "workers").rglob("*")) == [
    "1",
    "lock",
    "log.txt",
    "progress.json",
  ]
  assert len(list((run / "training" / "train").iterdir())) == 2  # One file by each of the starts.
  assert not list(scratch.iterdir())


def test_a_published_network_is_written_as_the_structure_list_that_it_is(tmp_path):
  path = tmp_path / "list.json"
  _without_tensorflow("--architecture=assemblenet-50", f"--export_structure={path}")
  assert sources.load(str(path)) == presets.load("assemblenet-50")
