"""One suite for every executor: what is submitted comes back once, whatever becomes of it.

Ray runs on this machine's loopback interface, started once; the executors attach to it.
"""

import os
import time

import pytest
import search_fakes

from data_prep.common.cli import UserError
from official.runs import executors
from official.runs import locks
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.executors import ray_cluster
from official.runs.executors.base import Task

IN_PROCESSES = ["local", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def ray_here():
  with ray_cluster.Ray(workers=2, threads=1, preload=search_fakes.PRELOAD):
    yield


@pytest.fixture(params=["inline", *IN_PROCESSES])
def executor(request):
  with named(request) as made:
    yield made


@pytest.fixture(params=IN_PROCESSES)
def process_executor(request):
  with named(request) as made:
    yield made


@pytest.fixture(params=IN_PROCESSES)
def name(request):
  named(request).close()
  return request.param


def named(request):
  if request.param == "ray":
    request.getfixturevalue("ray_here")
  return make(request.param)


def make(name):
  if name == "inline":
    return inline.Inline(threads=1)
  if name == "ray":
    return ray_cluster.Ray(workers=2, threads=1, preload=search_fakes.PRELOAD)
  return local.Local(workers=2, threads=1, preload=search_fakes.PRELOAD)


@pytest.fixture
def task(tmp_path):
  def new(key, function, timeout=None, **candidate):
    directory = tmp_path / key
    directory.mkdir(exist_ok=True)
    return Task(
      key=key, function=function, candidate=candidate, directory=str(directory), timeout=timeout
    )

  return new


@pytest.fixture
def released(tmp_path):
  """The file that a task in `search_fakes.waits` waits for; a test makes it, or never does."""
  return tmp_path / "released"


def outcomes(executor, *tasks):
  for item in tasks:
    executor.submit(item)
  found = [executor.wait_any(timeout=60) for _ in tasks]
  return {outcome.key: outcome for outcome in found}


def test_a_value_comes_back_as_plain_data(executor, task):
  outcome = outcomes(executor, task("a", search_fakes.echo, word="yes"))["a"]
  assert outcome.kind == "returned"
  assert outcome.value["echo"] == {"word": "yes"}


def test_every_task_comes_back_once(executor, task):
  found = outcomes(executor, *(task(key, search_fakes.echo) for key in "abcde"))
  assert sorted(found) == list("abcde")
  with pytest.raises(LookupError, match="no task was submitted"):
    executor.wait_any(timeout=1)


def test_a_key_can_be_submitted_again(executor, task):
  for _ in range(2):
    assert outcomes(executor, task("a", search_fakes.echo))["a"].kind == "returned"


def test_an_exception_is_told_by_type_text_and_place(executor, task):
  outcome = outcomes(executor, task("a", search_fakes.raises, seed=7))["a"]
  assert (outcome.kind, outcome.reason) == ("raised", "ValueError: no such thing as 7")
  assert outcome.signature.startswith("ValueError at search_fakes.py:")


def test_equal_faults_have_equal_signatures_though_their_texts_differ(executor, task):
  found = outcomes(executor, *(task(str(seed), search_fakes.raises, seed=seed) for seed in (1, 2)))
  assert found["1"].signature == found["2"].signature
  assert found["1"].reason != found["2"].reason


def test_the_log_has_the_traceback(executor, task):
  item = task("a", search_fakes.raises)
  outcomes(executor, item)
  with open(os.path.join(item.directory, "log.txt"), encoding="utf-8") as file:
    assert "Traceback (most recent call last)" in file.read()


@pytest.mark.parametrize(
  "function, kind, reason",
  [
    (
      search_fakes.raises_unpicklable,
      "raised",
      "Unpicklable: (its text cannot be had: RuntimeError)",
    ),
    (search_fakes.returns_a_lambda, "raised", "TypeError: function <function"),
    (search_fakes.runs_out_of_memory, "exhausted", "out of memory: MemoryError"),
  ],
)
def test_whatever_a_task_raises_the_others_are_unharmed(executor, task, function, kind, reason):
  found = outcomes(
    executor, task("a", search_fakes.echo), task("bad", function), task("b", search_fakes.echo)
  )
  assert found["bad"].kind == kind
  assert found["bad"].reason.startswith(reason)
  assert found["a"].kind == found["b"].kind == "returned"


@pytest.mark.parametrize(
  "function, kind, reason",
  [
    (search_fakes.killed, "killed", "its process was ended by SIGKILL"),
    (search_fakes.exits_137, "killed", "its process was ended by SIGKILL"),
    (search_fakes.exits_3, "raised", "its process left with status 3 and without a result"),
  ],
)
def test_whatever_kills_a_process_the_others_are_unharmed(
  process_executor, task, released, function, kind, reason
):
  process_executor.submit(task("a", search_fakes.waits, until=str(released)))
  found = outcomes(process_executor, task("bad", function), task("b", search_fakes.echo))
  assert (found["bad"].kind, found["bad"].reason) == (kind, reason)
  assert found["b"].kind == "returned"
  released.touch()
  assert process_executor.wait_any(60).kind == "returned"


def test_outcomes_come_in_the_order_in_which_tasks_end(process_executor, task, released):
  process_executor.submit(task("slow", search_fakes.waits, until=str(released)))
  process_executor.submit(task("quick", search_fakes.echo))
  assert process_executor.wait_any(60).key == "quick"
  released.touch()
  assert process_executor.wait_any(60).key == "slow"


def test_every_task_has_a_process_of_its_own(process_executor, task):
  found = outcomes(process_executor, *(task(key, search_fakes.echo) for key in "abc"))
  pids = {outcome.value["pid"] for outcome in found.values()}
  assert len(pids) == 3 and os.getpid() not in pids


def test_waiting_ends_after_the_timeout(process_executor, task, released):
  process_executor.submit(task("a", search_fakes.waits, until=str(released)))
  assert process_executor.wait_any(timeout=0.1) is None


def test_a_cancelled_task_comes_back_as_cancelled_and_the_others_are_unharmed(
  executor, task, released, tmp_path
):
  executor.submit(task("a", search_fakes.waits, until=str(released)))
  executor.submit(task("b", search_fakes.waits, until=str(tmp_path / "never")))
  executor.submit(task("c", search_fakes.echo))
  executor.cancel("b")
  executor.cancel("c")
  released.touch()
  found = {outcome.key: outcome.kind for outcome in (executor.wait_any(60) for _ in range(3))}
  assert found == {"a": "returned", "b": "cancelled", "c": "cancelled"}


def test_a_running_task_is_ended_by_cancel(process_executor, task, released):
  item = task("a", search_fakes.waits, until=str(released))
  process_executor.submit(item)
  wait_for(os.path.join(item.directory, "waits"))
  process_executor.cancel("a")
  assert process_executor.wait_any(60).kind == "cancelled"


def test_closing_ends_what_runs(name, task, released):
  executor = make(name)
  item = task("a", search_fakes.waits, until=str(released))
  executor.submit(item)
  wait_for(os.path.join(item.directory, "waits"))
  executor.close()
  with locks.locked(item.directory, patience=30):  # Whoever works in a folder holds its lock.
    pass


def test_a_task_that_hangs_is_timed_out_and_the_others_are_unharmed(
  process_executor, task, released
):
  hangs = task("a", search_fakes.waits, timeout=1, until=str(released))
  found = outcomes(process_executor, hangs, *(task(key, search_fakes.echo) for key in "bcd"))
  assert (found["a"].kind, found["a"].reason) == ("timed_out", "not done after 1 s")
  assert [found[key].kind for key in "bcd"] == ["returned"] * 3


def test_a_task_that_was_killed_once_returns_when_it_is_submitted_again(process_executor, task):
  kinds = [
    outcomes(process_executor, task("a", search_fakes.exits_137_once))["a"].kind for _ in range(2)
  ]
  assert kinds == ["killed", "returned"]


def test_a_loss_that_is_not_a_number_comes_back_as_none(executor, task):
  item = task("a", search_fakes.diverges, architecture={"connections": []})
  assert outcomes(executor, item)["a"].value["metrics"]["loss"] is None


def test_closing_lets_a_training_finish_its_step(name, task):
  executor = make(name)
  item = task("a", search_fakes.leaves_on_sigterm)
  executor.submit(item)
  wait_for(os.path.join(item.directory, "waits"))
  executor.close()
  assert os.path.exists(os.path.join(item.directory, "left"))


def test_the_interrupt_of_a_terminal_does_not_end_a_worker(process_executor, task):
  outcome = outcomes(process_executor, task("a", search_fakes.interrupts_itself))["a"]
  assert outcome.kind == "returned"


@pytest.mark.slow
def test_closing_an_attached_executor_leaves_ray_running(ray_here, task):
  make("ray").close()
  with make("ray") as executor:
    assert outcomes(executor, task("a", search_fakes.echo))["a"].kind == "returned"


@pytest.mark.slow
def test_a_task_that_fits_no_node_is_refused(ray_here):
  with pytest.raises(UserError, match="no node of the Ray cluster at this machine has the 99 CPUs"):
    ray_cluster.Ray(workers=1, threads=99)


def test_running_tasks_have_gpus_of_their_own_and_free_them(task, released):
  with local.Local(
    workers=2,
    threads=1,
    preload=search_fakes.PRELOAD,
    gpus=["0", "1", "2", "3"],
    gpus_per_candidate=2,
  ) as executor:
    tasks = [task(key, search_fakes.shares, until=str(released)) for key in "abc"]
    for item in tasks:
      executor.submit(item)
    for item in tasks[:2]:
      wait_for(os.path.join(item.directory, "waits"))
    released.touch()
    found = {item.key: item.value["gpus"] for item in (executor.wait_any(60) for _ in range(3))}
  assert [found["a"], found["b"]] == ["0,1", "2,3"]
  assert found["c"] in ("0,1", "2,3")


def test_too_few_gpus_are_refused():
  with pytest.raises(UserError, match="need 4 GPUs, of which there are 3; give --workers=1"):
    local.Local(workers=2, threads=1, gpus=["0", "1", "2"], gpus_per_candidate=2)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core cannot be shared out")
def test_running_tasks_have_cores_of_their_own(task, tmp_path):
  with make("local") as executor:
    found = outcomes(
      executor,
      *(
        task(key, search_fakes.shares, until=str(tmp_path / other / "waits"))
        for key, other in ("ab", "ba")
      ),
    )
  first, second = (set(found[key].value["cores"]) for key in "ab")
  assert first and second and not first & second


@pytest.mark.parametrize(
  "options, text",
  [
    ({"name": "inline", "workers": 2}, "--executor=inline runs one candidate at a time"),
    ({"name": "local", "ray_address": "auto"}, "--ray_address=auto needs --executor=ray"),
  ],
)
def test_options_that_do_not_go_together_are_refused(options, text):
  with pytest.raises(UserError, match=text):
    executors.make(**{"workers": 1, "threads": 1, **options})


def test_what_a_worker_prints_goes_to_the_log(process_executor, task):
  item = task("a", search_fakes.prints)
  outcomes(process_executor, item)
  with open(os.path.join(item.directory, "log.txt"), encoding="utf-8") as file:
    assert file.read() == "from Python\nfrom C\n"


def test_temporary_files_vanish_with_the_task(process_executor, task):
  item = task("a", search_fakes.leaves_temporary_files)
  path = outcomes(process_executor, item)["a"].value["path"]
  assert os.path.dirname(path) == os.path.join(item.directory, "temporary")
  assert not os.path.exists(os.path.dirname(path))


def test_a_worker_waits_for_the_holder_of_its_candidates_lock(process_executor, task):
  item = task("a", search_fakes.Training(steps=40, seconds_a_step=0.03), seed=1)
  process_executor.submit(item)
  wait_for(os.path.join(item.directory, "starts.txt"))
  twin = Task(
    key="twin", function=item.function, candidate=item.candidate, directory=item.directory
  )
  process_executor.submit(twin)
  found = {outcome.key: outcome for outcome in (process_executor.wait_any(60) for _ in range(2))}
  assert found["a"].value == found["twin"].value
  with open(os.path.join(item.directory, "starts.txt"), encoding="utf-8") as file:
    assert file.read().split() == ["0", "40"]


def wait_for(path, seconds=30):
  deadline = time.monotonic() + seconds
  while not os.path.exists(path):
    assert time.monotonic() < deadline, f"no {path}"
    time.sleep(0.02)
