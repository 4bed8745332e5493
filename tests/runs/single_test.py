"""One training as a run of its own, with a training that takes no time."""

import json
import os

import pytest

from data_prep.common import cli
from official.runs import locks
from official.runs import single

_CANDIDATE = {"architecture": {"blocks": []}, "seed": 1}
_METRICS = {"validation": {"accuracy": 0.5, "loss": 1.0}, "test": {"accuracy": 0.25, "loss": 2.0}}


class Training:
  """Remembers its calls; exports to a folder that is not there."""

  def __init__(self, directory, status="ok", reason=None):
    self.calls = []
    self._result = {
      "status": status,
      "reason": reason,
      "metrics": _METRICS,
      "export": os.path.join(directory, "export", "1"),
      "timing": {"seconds": 7.5},
    }

  def __call__(self, candidate, directory):
    self.calls.append((candidate, directory))
    return self._result


def _run(directory, training, *, seed=1, threads=2, index=0):
  return single.run(
    model_dir=str(directory),
    candidate=_CANDIDATE,
    training=training,
    check=lambda: None,
    identity={"seed": seed, "num_frames": 8},
    operation={"threads": threads},
    index=index,
  )


def test_a_training_is_recorded_and_told(tmp_path, capsys):
  (tmp_path / "report.txt").write_text("")
  training = Training(tmp_path)
  assert _run(tmp_path, training) == 0
  assert training.calls == [(_CANDIDATE, str(tmp_path))]
  recorded = json.loads((tmp_path / "train.json").read_text())
  assert recorded == {
    "format_version": 1,
    "identity": {"seed": 1, "num_frames": 8},
    "operation": {"threads": 2},
  }
  result = json.loads((tmp_path / "result.json").read_text())
  assert result == {"status": "ok", "reason": None, "metrics": _METRICS, "export": "export/1"}
  timing = json.loads((tmp_path / "timing.json").read_text())
  assert timing["seconds"] == 7.5 and len(timing["starts"]) == 1
  assert capsys.readouterr().out.splitlines()[-4:] == [
    "validation: accuracy 0.5000, loss 1.0000",
    "test: accuracy 0.2500, loss 2.0000",
    f"report: {tmp_path}/report.txt",
    f"export: {tmp_path}/export/1",
  ]


def test_a_finished_training_is_not_repeated_and_told_again(tmp_path, capsys):
  _run(tmp_path, Training(tmp_path))
  capsys.readouterr()
  again = Training(tmp_path)
  assert _run(tmp_path, again) == 0
  assert again.calls == []
  output = capsys.readouterr().out
  assert output.startswith("validation: accuracy 0.5000")
  assert f"the SavedModel {tmp_path}/export/1 is not there any more; delete " in output
  assert "export: " not in output


def test_other_hardware_goes_on_and_another_seed_is_refused(tmp_path):
  failed = Training(tmp_path, "infeasible", "diverged")
  assert _run(tmp_path, failed) == 1
  with pytest.raises(cli.UserError, match="another run: --seed was 1 and is 2 now"):
    _run(tmp_path, failed, seed=2)
  assert _run(tmp_path, Training(tmp_path), threads=4) == 0
  assert json.loads((tmp_path / "train.json").read_text())["operation"] == {"threads": 4}


def test_what_diverged_has_no_result_and_says_where_to_look(tmp_path, capsys):
  assert _run(tmp_path, Training(tmp_path, "infeasible", "diverged: NaN")) == 1
  assert not (tmp_path / "result.json").exists()
  assert capsys.readouterr().err == (
    f"stopped: the training did not succeed: diverged: NaN ({tmp_path}/log.txt has the details)\n"
  )


def test_the_folder_of_a_search_is_refused(tmp_path):
  (tmp_path / "search.json").write_text("{}")
  with pytest.raises(cli.UserError, match="is the folder of a search; give another one"):
    _run(tmp_path, Training(tmp_path))


def test_two_at_a_time_are_refused(tmp_path):
  with locks.locked(str(tmp_path)), pytest.raises(cli.UserError, match="another training is at"):
    _run(tmp_path, Training(tmp_path))


def test_a_process_that_is_not_the_chief_writes_no_result(tmp_path):
  training = Training(tmp_path)
  assert _run(tmp_path, training, index=1) == 0
  assert training.calls == [(_CANDIDATE, str(tmp_path / "workers" / "1"))]
  assert sorted(path.name for path in tmp_path.iterdir()) == ["workers"]


@pytest.mark.parametrize(
  "cluster, task, index",
  [
    ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 0}, 0),
    ({"worker": ["a:1", "b:1"]}, {"type": "worker", "index": 1}, 1),
    ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "worker", "index": 0}, 1),
    ({"chief": ["c:1"], "worker": ["a:1"]}, {"type": "chief", "index": 0}, 0),
  ],
)
def test_the_chief_is_the_task_of_that_type_or_worker_0(cluster, task, index):
  assert single.process_index(json.dumps({"cluster": cluster, "task": task})) == index


def test_a_process_that_nobody_told_who_it_is_is_refused():
  with pytest.raises(cli.UserError, match="TF_CONFIG, which says who train together, is not set; "):
    single.process_index(None)


@pytest.mark.parametrize(
  "text",
  [
    "{",
    "[]",
    '{"cluster": {}}',
    '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
  ],
)
def test_a_tf_config_that_names_no_task_is_refused(text):
  with pytest.raises(cli.UserError, match="names no task of its own cluster"):
    single.process_index(text)
