"""The main, each time in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

FLAGS = ("--fps=10", "--short_side=24", "--num_shards=2")


@pytest.fixture
def extract(run_main, manifest, tmp_path):
  """Runs the main on the session's manifest into `tmp_path / name`."""

  def run(*arguments, name="data"):
    return run_main(
      [
        "-m",
        "data_prep.extract",
        f"--manifest={manifest}",
        f"--output_dir={tmp_path / name}",
        *FLAGS,
        *arguments,
      ]
    )

  return run


def test_all_ways_to_run_give_the_same_bytes(extract, tmp_path, content_of):
  ways = {
    "one": ["--direct_num_workers=1"],
    "two": ["--direct_num_workers=2"],
    "not_isolated": ["--direct_num_workers=1", "--noisolate_decoding"],
    "multi_processing": ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    "portable": ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK"],
  }
  for name, arguments in ways.items():
    run = extract(*arguments, name=name)
    assert run.returncode == 0, run.stderr
  contents = [content_of(tmp_path / name) for name in ways]
  assert len(contents[0]) == 7
  assert all(content == contents[0] for content in contents)


def test_a_normal_run_says_what_it_does_and_what_it_did(extract, tmp_path):
  run = extract("--direct_num_workers=2")
  told = [line for line in run.stderr.splitlines() if not line.startswith("prepared ")]  # If slow.
  assert told == [
    "class      train  validation  test  all",
    "left           2           0     1    3",
    "right          1           1     1    3",
    "2 classes      3           1     2    6",
    "warning: 1 of the 2 classes has no clip in the split validation: left",
    f"next: python -m data_prep.preview --data_dir={tmp_path / 'data'} --output=preview.html",
    f"next: python -m official.evolve --data_dir={tmp_path / 'data'} --model_dir=run "
    "--search_space=small",
  ]
  first, last = run.stdout.splitlines()
  assert first == f"preparing 7 clips of 2 classes into 5 files in {tmp_path / 'data'}"
  assert last.startswith(
    f"prepared {tmp_path / 'data'}: 3 train, 1 validation, 2 test clips, 51 frames, in 0:"
  )
  assert last.endswith("; 1 clips could not be used: see " + str(tmp_path / "data/failures.jsonl"))


def test_help_teaches_without_beam_numba_and_tensorflow(run_main):
  run = run_main(["-X", "importtime", "-m", "data_prep.extract", "--help"])
  assert run.returncode == 0
  assert run.stdout.startswith("Prepares labelled videos for training")
  assert "--flow_bound" in run.stdout
  imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
  assert "data_prep.dataset.clip_examples" in imported and not imported & {
    "apache_beam",
    "numba",
    "tensorflow",
  }


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["--nonsense=1"], "unknown flag '--nonsense=1': it is neither this program's nor Beam's"),
    (["videos.csv"], "unknown argument 'videos.csv'"),
    (["--direct_num_workers=many"], "argument --direct_num_workers: invalid int value: 'many'"),
    (["--fps=0"], "flag --fps=0: 0.0 is not a number in the range [0.01, 1000.0]"),
    (["--flow_profile=slow"], "flag --flow_profile=slow: value should be one of"),
    (["--flow=dis", "--flow_profile=fast"], "--flow_profile is for --flow=tvl1; leave it out with"),
    (["--flow=dis", "--short_side=8"], "--flow=dis needs --short_side=12 or more"),
    (["--degrade=h264:52"], "--degrade=h264:52 is not h264:CRF, such as h264:38, with a whole"),
    (["--degrade=jpeg:10"], "other degradations are made in training (official.train --degrade)"),
    (["--degrade=h264:9", "--stream=degraded:array"], "--degrade makes the stream degraded, and"),
    (["--clip_timeout=5", "--noisolate_decoding"], "--clip_timeout needs --isolate_decoding"),
    (["--stride_seconds=5"], "--stride_seconds needs --window_seconds"),
    (["--window_seconds=500"], "--window_seconds=500 is longer than --max_clip_seconds=300; raise"),
    (
      ["--runner=FlinkRunner", "--flink_master=127.0.0.1:1"],
      "Flink's JobManager does not answer at --flink_master=127.0.0.1:1 (Connection refused)",
    ),
    (
      ["--runner=PortableRunner", "--job_endpoint=8099"],
      "--job_endpoint=8099 is no address; write",
    ),
    (["--manifest="], "--manifest is needed"),
    (["--manifest=no.csv"], "there is no manifest"),
  ],
)
def test_a_mistake_is_one_line_and_status_2(extract, tmp_path, arguments, message):
  run = extract(*arguments)
  assert run.returncode == 2
  assert message in run.stderr and run.stderr.count("\n") == 1
  assert not (tmp_path / "data").exists()


def test_paths_are_relative_to_the_caller(manifest, tmp_path, run_main):
  arguments = ["-m", "data_prep.extract", "--manifest=missing.csv", "--output_dir=data"]
  environment = os.environ | {"BUILD_WORKING_DIRECTORY": str(tmp_path)}
  assert f"no manifest {tmp_path}/missing.csv" in run_main(arguments, env=environment).stderr


@pytest.fixture
def start(write_video, tmp_path):
  """Starts a run of two workers with a lot to do; returns it and, by pid, the command of each of
  its processes."""
  drivers, processes = [], {}

  def begin(mode):
    long = write_video(tmp_path / "long.mp4", count=400, size=(96, 72))
    (tmp_path / "m.csv").write_text(
      "path,label,split,clip_id\n"
      + "".join(f"{long.name},run,train,{index}\n" for index in range(8))
    )
    driver = subprocess.Popen(
      [
        sys.executable,
        "-m",
        "data_prep.extract",
        f"--manifest={tmp_path / 'm.csv'}",
        f"--output_dir={tmp_path / 'data'}",
        "--short_side=72",
        "--direct_num_workers=2",
        "--flow_profile=opencv_default",  # Minutes of work.
        f"--direct_running_mode={mode}",
      ],
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
      cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    )
    drivers.append(driver)
    counters = tmp_path / "data" / ".unfinished"  # Of each worker, and of the child of each.
    deadline = time.monotonic() + 60
    while len(list(counters.glob("progress-*"))) < 4:
      assert driver.poll() is None and time.monotonic() < deadline
      time.sleep(0.1)
    processes.update(_processes_of(driver.pid))
    return driver, processes

  yield begin
  for pid in (*processes, *(driver.pid for driver in drivers)):
    if _is_running(pid):
      os.kill(pid, signal.SIGKILL)
  for driver in drivers:
    driver.communicate()


def _processes_of(pid):
  """Returns the commands of all processes that `pid` began, and those began, by pid."""
  found = {}
  for task in os.listdir(f"/proc/{pid}/task"):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # The thread may have ended.
      with open(f"/proc/{pid}/task/{task}/children") as file:
        children = [int(child) for child in file.read().split()]
      for child in children:
        with open(f"/proc/{child}/cmdline") as command:
          found |= {child: command.read()} | _processes_of(child)
  return found


def _is_running(pid):
  try:
    with open(f"/proc/{pid}/stat") as file:
      return file.read().rpartition(")")[2].split()[0] != "Z"
  except FileNotFoundError:
    return False


def _wait_until_gone(pids):
  deadline = time.monotonic() + 20
  while any(map(_is_running, pids)):
    assert time.monotonic() < deadline, "processes stay"
    time.sleep(0.1)


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run_with_one_line(start, tmp_path):
  driver, processes = start("multi_processing")
  workers = [pid for pid, command in processes.items() if "data_prep.job.local_worker" in command]
  assert len(workers) == 2
  os.kill(workers[0], signal.SIGKILL)
  output, errors = driver.communicate(timeout=30)
  assert driver.returncode == 1
  # A slow machine tells its progress before.
  (line,) = [line for line in errors.splitlines() if not line.startswith("prepared ")]
  assert line.startswith("error: a worker process died: Worker subprocess exited with return code")
  _wait_until_gone(processes)
  assert not (tmp_path / "data" / "dataset.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["in_memory", "multi_processing"])
def test_no_process_outlives_a_driver_that_is_killed(start, mode):
  driver, processes = start(mode)
  assert any("data_prep.job.local_worker" in one for one in processes.values()) == (
    mode == "multi_processing"
  )
  driver.kill()
  driver.communicate()
  _wait_until_gone(processes)


@pytest.mark.slow
def test_an_interrupt_ends_everything_with_one_line(start):
  driver, processes = start("in_memory")
  driver.send_signal(signal.SIGINT)
  _, errors = driver.communicate(timeout=30)
  assert driver.returncode == 130
  assert errors.splitlines()[-1] == "error: interrupted; the same command resumes"
  _wait_until_gone(processes)
