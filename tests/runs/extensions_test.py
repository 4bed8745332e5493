"""--import: what a module outside the tree registers can be used by its name."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import search_fakes

from data_prep.common.cli import UserError
from official.architecture import guidance
from official.runs import executors
from official.runs import extensions
from official.runs import fitness
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.executors.base import Task
from official.tasks import contract
from official.tasks import registry

ROOT = pathlib.Path(__file__).parents[2]
_IDEAS = """
from official.architecture import guidance
from official.architecture import kinds
from official.runs import executors
from official.tasks import contract
from official.tasks import registry


@guidance.register("everything")
def everything(facts, settings, rng):
  return guidance.Selection(kept=facts.architecture.connections, scores=facts.weights)


registry.register_fitness("classification", contract.Fitness("calm", (contract.LOSS,)))


@executors.register("patient")
def patient(resources):
  from official.runs.executors import inline

  return inline.Inline(threads=resources.threads)


kinds.register(kinds.Kind(name="nothing_at_all", convolutions=lambda block, channels: iter(())))
"""


def _call(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess:
  """Runs a program where modules of `folder` can be imported."""
  path = os.pathsep.join(map(str, (ROOT, ROOT / "tests/search", folder)))
  return subprocess.run(
    [sys.executable, *arguments],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": path},
    capture_output=True,
    text=True,
    timeout=120,
    check=False,
  )


@pytest.fixture
def ideas(tmp_path) -> pathlib.Path:
  """A folder that holds the module my_ideas."""
  (tmp_path / "my_ideas.py").write_text(_IDEAS)
  return tmp_path


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_imported_name_is_a_choice_wherever_the_import_stands(ideas, order):
  named = ["--guidance=everything", "--fitness=calm", "--executor=patient"]
  flags = ["--import=my_ideas", *named] if order == "before" else [*named, "--import=my_ideas"]
  done = _call(ideas, "-m", "official.evolve", "--data_dir=", *flags)
  assert done.stderr.startswith("error: --data_dir is missing"), done.stderr


def test_help_lists_imported_names(ideas):
  done = _call(ideas, "-m", "official.evolve", "--import=my_ideas", "--help")
  assert "<connection_weights|everything|random|sensitivity>" in done.stdout, done.stderr


@pytest.mark.parametrize(
  "flag, choices",
  [("guidance", "connection_weights|random|sensitivity"), ("executor", "local|inline|ray")],
)
def test_a_name_that_nobody_registered_is_refused(ideas, flag, choices):
  done = _call(ideas, "-m", "official.evolve", f"--{flag}=everything")
  message = f"error: flag --{flag}=everything: value should be one of <{choices}>"
  assert (done.returncode, done.stderr.count("\n")) == (2, 1)
  assert done.stderr.startswith(message)


@pytest.mark.parametrize("main", ["evolve", "train", "export"])
@pytest.mark.parametrize(
  "name, text",
  [
    ("nowhere.ideas", "there is no module 'nowhere'; put the folder of its file on PYTHONPATH"),
    ("broken", "cannot be imported: ZeroDivisionError: division by zero; correct the module"),
    ("leaves", "cannot be imported: SystemExit: 3; correct the module"),
    ("needy", "cannot be imported: ModuleNotFoundError: No module named 'not_installed'"),
  ],
)
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path, main, name, text):
  (tmp_path / "broken.py").write_text("1 / 0\n")
  (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
  (tmp_path / "needy.py").write_text("import not_installed\n")
  done = _call(tmp_path, "-m", f"official.{main}", f"--import={name}")
  assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
  assert done.stderr.startswith(f"error: flag --import={name}: {text}")


def test_describe_counts_an_imported_kind(ideas):
  stem = {
    "id": "s",
    "level": 0,
    "kind": "stem_2d",
    "streams": ["rgb"],
    "channels": 4,
    "spatial_stride": 2,
  }
  block = {"id": "a", "level": 1, "kind": "nothing_at_all", "channels": 4}
  connections = [{"source": "s", "target": "a"}]
  file = ideas / "architecture.json"
  file.write_text(
    json.dumps({"format_version": 1, "blocks": [stem, block], "connections": connections})
  )
  flags = [f"--architecture={file}", "--describe"]
  done = _call(ideas, "-m", "official.train", "--import=my_ideas", *flags)
  assert "nothing_at_all" in done.stdout, done.stderr
  without = _call(ideas, "-m", "official.train", *flags)
  assert without.returncode == 2
  assert "unknown block kind 'nothing_at_all'" in without.stderr


def test_a_worker_imports_the_modules(ideas, monkeypatch):
  monkeypatch.syspath_prepend(ideas)
  folder = ideas / "task"
  folder.mkdir()
  with local.Local(
    workers=1, threads=1, preload=search_fakes.PRELOAD, imports=["my_ideas"]
  ) as executor:
    executor.submit(
      Task(key="a", function=search_fakes.guidances_known, candidate={}, directory=str(folder))
    )
    outcome = executor.wait_any(timeout=60)
  assert "everything" in outcome.value["names"], outcome


def test_a_worker_that_cannot_import_a_module_says_so(tmp_path):
  with local.Local(
    workers=1, threads=1, preload=search_fakes.PRELOAD, imports=["nowhere"]
  ) as executor:
    executor.submit(
      Task(key="a", function=search_fakes.guidances_known, candidate={}, directory=str(tmp_path))
    )
    outcome = executor.wait_any(timeout=60)
  assert outcome.kind == "environment"
  assert "--import=nowhere: there is no module 'nowhere'" in outcome.reason


@pytest.fixture
def registries(monkeypatch):
  """Registries that forget what a test enters."""
  monkeypatch.setattr(guidance, "GUIDANCES", dict(guidance.GUIDANCES))
  monkeypatch.setattr(registry, "_TASKS", dict(registry._TASKS))
  monkeypatch.setattr(executors, "_MAKERS", dict(executors._MAKERS))


def test_a_registered_executor_is_made_with_the_resources(registries):
  made = []

  @executors.register("noted")
  def noted(resources):
    made.append(resources)
    return inline.Inline(threads=resources.threads)

  executors.make("noted", workers=3, threads=2, imports=["my_ideas"])
  assert (made[0].workers, made[0].threads, made[0].imports) == (3, 2, ("my_ideas",))


@pytest.mark.parametrize(
  "register, name",
  [(guidance.register, "random"), (executors.register, "ray")],
)
def test_a_name_is_registered_once(registries, register, name):
  with pytest.raises(ValueError, match=f"there is already an? .* '{name}'"):
    register(name)(lambda *_: None)


def test_a_task_gets_one_more_fitness(registries):
  registry.register_fitness("multi_label", contract.Fitness("calm", (contract.LOSS,)))
  assert fitness.compute("calm", {"loss": 2.0}) == -2.0
  with pytest.raises(ValueError, match="there is already a fitness 'calm'"):
    registry.register_fitness("classification", contract.Fitness("calm", (contract.LOSS,)))


def test_load_names_the_flag(tmp_path):
  with pytest.raises(UserError, match="--import=nowhere: there is no module 'nowhere'"):
    extensions.load(["nowhere"])
