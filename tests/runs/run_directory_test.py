import pytest

from data_prep.common import cli
from official.runs import provenance
from official.runs import records
from official.runs.run_directory import RunDirectory

IDENTITY = {"seed": 1}


def candidate(number):
  return records.Candidate(number=number, seed=number, architecture={})


@pytest.fixture
def run(tmp_path):
  run = RunDirectory(str(tmp_path / "run"))
  with run.opened(IDENTITY, {"rounds": 4}):
    yield run


def test_search_json_has_identity_and_operation_apart(run):
  assert run.recorded() == records.RunFlags(identity={"seed": 1}, operation={"rounds": 4})


def test_operation_may_change(tmp_path):
  run = RunDirectory(str(tmp_path))
  for rounds in (4, 8):
    with run.opened(IDENTITY, {"rounds": rounds}):
      assert run.recorded().operation == {"rounds": rounds}


def test_another_identity_is_refused_before_anything_is_written(tmp_path):
  run = RunDirectory(str(tmp_path))
  with run.opened(IDENTITY, {}):
    pass
  before = (tmp_path / "search.json").read_bytes()
  with pytest.raises(cli.UserError, match="--seed was 1 and is 2 now"):
    with run.opened({"seed": 2}, {}):
      pass
  assert (tmp_path / "search.json").read_bytes() == before


def test_a_second_driver_is_refused(run):
  with pytest.raises(cli.UserError, match=r"another search is at work in .* \(process \d+ on .*\)"):
    with RunDirectory(run.path).opened(IDENTITY, {}):
      pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(cli.UserError, match="file/search.json cannot be read"):
    with RunDirectory(str(tmp_path / "file")).opened(IDENTITY, {}):
      pass


def test_searched_seconds_are_nought_until_they_are_recorded(run):
  assert run.searched_seconds() == 0
  run.write_searched_seconds(12.34567)
  assert RunDirectory(run.path).searched_seconds() == 12.346


def test_every_start_is_recorded_and_the_seconds_beside_it(tmp_path):
  run = RunDirectory(str(tmp_path))
  for seconds in (1.0, 2.0):
    with run.opened(IDENTITY, {}):
      run.write_searched_seconds(seconds)
  timing = provenance.read(run.path)
  assert timing.searched_seconds == 2.0
  assert [start.version for start in timing.starts] == [provenance.version()] * 2
  assert all("pytest" in start.command for start in timing.starts)


def test_the_timing_of_an_earlier_version_has_no_starts(tmp_path):
  (tmp_path / "timing.json").write_text('{"searched_seconds": 3.5}')
  run = RunDirectory(str(tmp_path))
  with run.opened(IDENTITY, {}):
    assert run.searched_seconds() == 3.5
  assert len(provenance.read(run.path).starts) == 1


def test_candidates_are_counted_when_their_proposal_is_written(run, tmp_path):
  for number in (0, 1):
    run.write_candidate(candidate(number))
  (tmp_path / "run" / "candidates" / "000002").mkdir()
  assert run.count() == 2


def test_a_gap_in_the_candidates_is_told(run):
  for number in (0, 2):
    run.write_candidate(candidate(number))
  with pytest.raises(cli.UserError, match="candidates/000001 is missing"):
    run.count()


def test_a_candidate_is_in_flight_until_it_has_a_result(run):
  run.write_candidate(candidate(0))
  assert run.read_result(0) is None
  result = records.Result(number=0, status="ok", fitness=0.5, metrics={"loss": 1.0})
  run.write_result(result, records.Timing(seconds=1.5))
  assert run.read_result(0) == result
  assert run.read_timing(0) == records.Timing(seconds=1.5)


def test_dropping_weights_leaves_what_is_known(run, tmp_path):
  run.write_candidate(candidate(0))
  training = tmp_path / "run" / "candidates" / "000000" / "training"
  training.mkdir()
  for name in (
    "checkpoint",
    "ckpt-40.index",
    "ckpt-40.data-00000-of-00001",
    "events.out.tfevents.1.host",
    "params.yaml",
  ):
    (training / name).write_text("")
  run.drop_weights(0)
  assert sorted(path.name for path in training.iterdir()) == [
    "events.out.tfevents.1.host",
    "params.yaml",
  ]
  assert run.read_candidate(0) == candidate(0)
