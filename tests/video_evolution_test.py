"""The front door for Python users: its examples run, and give what the commands give."""

import dataclasses
import doctest
import inspect
import json
import os
import pathlib
import subprocess
import sys

import pytest

from data_prep.dataset import stream_kinds
from official import video_evolution
from official.architecture import guidance
from official.programs import network_search

ROOT = pathlib.Path(__file__).parents[1]
_SLOW = "# slow"
_SEARCH = """
import sys
from official import video_evolution as ve

if __name__ == "__main__":
  training = ve.new_training(data_dir=sys.argv[1], num_frames=4, batch_size=4)
  run = ve.search(training, sys.argv[2], population_size=2, tournament_size=1, rounds=1,
                  candidate_steps=4, final_steps=4, seed=3)
  assert run.export and len(run.results) == 3
"""


@pytest.fixture
def registries(monkeypatch):
  """Registries that forget what an example enters."""
  monkeypatch.setattr(guidance, "GUIDANCES", dict(guidance.GUIDANCES))
  yield
  stream_kinds._KINDS.pop("heat", None)


def _examples() -> dict[str, doctest.DocTest]:
  """Returns the examples of the functions of the module, in its order."""
  found = doctest.DocTestFinder(exclude_empty=True).find(video_evolution)
  tests = {test.name.rpartition(".")[2]: test for test in found if test.examples}
  return {name: tests[name] for name in sorted(tests, key=lambda name: tests[name].lineno)}


def _is_slow(test: doctest.DocTest) -> bool:
  return any(_SLOW in example.source for example in test.examples)


class _Checker(doctest.OutputChecker):
  """Lets a search or a training print what it does before the value of an example."""

  def check_output(self, want: str, got: str, optionflags: int) -> bool:
    return got.endswith(want)


def _run(test: doctest.DocTest, **values: str) -> None:
  """Runs the examples of a function where the module's names and the values are known."""
  names = {name: getattr(video_evolution, name) for name in video_evolution.__all__}
  test.globs = {**names, **values}
  said: list[str] = []
  doctest.DocTestRunner(_Checker(), verbose=False).run(test, out=said.append)
  assert not said, "".join(said)


def test_every_function_has_an_example():
  functions = {name for name in video_evolution.__all__ if name[0].islower()}
  assert functions == set(_examples())


@pytest.mark.parametrize(
  "name",
  [name for name, test in _examples().items() if not _is_slow(test) and name != "load_dataset"],
)
def test_an_example_runs(name, registries):
  _run(_examples()[name])


@pytest.fixture(scope="module")
def searched(sample_dataset, tmp_path_factory) -> pathlib.Path:
  """The run that the example of `search` leaves."""
  folder = tmp_path_factory.mktemp("door")
  _run(_examples()["search"], data_dir=sample_dataset, model_dir=str(folder / "run"))
  return folder


@pytest.mark.slow
@pytest.mark.parametrize(
  "name", ["load_dataset", *(name for name, test in _examples().items() if _is_slow(test))]
)
def test_a_slow_example_runs(name, searched, sample_dataset):
  video = next(pathlib.Path(sample_dataset).parent.glob("videos/*/*.*"))
  _run(
    _examples()[name],
    data_dir=sample_dataset,
    model_dir=str(searched / "run"),
    output_dir=str(searched / name),
    trained_dir=str(searched / "trained"),
    video=str(video),
  )


def test_importing_it_is_quick_and_loads_no_library():
  code = (
    "import sys\n"
    "from official import video_evolution\n"
    "heavy = {'apache_beam', 'av', 'cv2', 'numpy', 'tensorflow'} & set(sys.modules)\n"
    "assert not heavy, heavy\n"
  )
  done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["nothing"])
def test_an_unknown_name_is_an_attribute_error(name):
  with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
    getattr(video_evolution, name)


def test_search_has_the_defaults_of_the_command():
  mine = inspect.signature(video_evolution.search).parameters
  defaults = {
    field.name: field.default
    for field in dataclasses.fields(network_search.Search)
    if field.default is not dataclasses.MISSING
  }
  assert {name: mine[name].default for name in defaults} == defaults


def test_a_wrong_value_is_a_user_error():
  with pytest.raises(video_evolution.UserError, match="`num_frames`=0"):
    video_evolution.new_training(num_frames=0)


def test_a_folder_without_a_run_is_a_user_error(tmp_path):
  with pytest.raises(video_evolution.UserError, match="is no run, it has no search.json"):
    video_evolution.load_run(str(tmp_path))


@pytest.mark.slow
def test_a_search_from_python_is_that_of_the_command(sample_dataset, tmp_path):
  program = tmp_path / "program.py"
  program.write_text(_SEARCH)
  flags = [
    f"--data_dir={sample_dataset}",
    f"--model_dir={tmp_path}/command",
    "--num_frames=4",
    "--batch_size=4",
    "--population_size=2",
    "--tournament_size=1",
    "--rounds=1",
    "--candidate_steps=4",
    "--final_steps=4",
    "--seed=3",
  ]
  for command in (
    [str(program), sample_dataset, str(tmp_path / "python")],
    ["-m", "official.evolve", *flags],
  ):
    done = subprocess.run(
      [sys.executable, *command],
      cwd=ROOT,
      env={**os.environ, "PYTHONPATH": str(ROOT)},
      capture_output=True,
      text=True,
    )
    assert done.returncode == 0, done.stderr
  for name in ("search.json", *(f"candidates/{number:06d}/result.json" for number in range(3))):
    python, command = ((tmp_path / kind / name).read_bytes() for kind in ("python", "command"))
    assert json.loads(python) == json.loads(command), name
  assert (tmp_path / "python/final/result.json").read_bytes() == (
    tmp_path / "command/final/result.json"
  ).read_bytes()
