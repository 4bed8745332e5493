"""Records are what their files say: old files, newer ones, and damaged ones."""

import pytest

from data_prep.common import cli
from official.runs import records
from official.runs.final_records import FinalAsked
from official.runs.final_records import FinalMember
from official.runs.final_records import FinalResult
from official.runs.final_records import LeftOut

ARCHITECTURE = {"format_version": 1, "blocks": [], "connections": []}
METRICS = {"accuracy": 0.5, "loss": None}
RECORDS = [
  records.RunFlags(identity={"seed": 1}, operation={"rounds": 4}),
  records.Candidate(number=3, seed=7, architecture=ARCHITECTURE),
  records.Candidate(
    number=4,
    seed=8,
    architecture=ARCHITECTURE,
    origin="child",
    parent=3,
    tournament=(3, 2),
    barren=(1,),
    known_results=4,
    child={"kept": []},
    digest="0f",
    others={"newer": [1]},
  ),
  records.Result(number=3, status="infeasible", reason="diverged"),
  records.Result(
    number=4,
    status="ok",
    fitness=0.5,
    metrics=METRICS,
    connection_weights=(records.ConnectionWeight("a", "b", 0.5, 0.25),),
    params=7,
    multiply_adds=9,
    sensitivities=(records.Sensitivity("a", "b", 0.125),),
    finish_order=2,
    others={"newer": {}},
  ),
  records.Timing(),
  records.Timing(
    seconds=1.5,
    seconds_in_steps=1.0,
    processor_seconds=1.2,
    started_at=2.0,
    finished_at=3.5,
    kills=1,
  ),
  FinalAsked(candidate=3, settings={"final_steps": 20}),
  FinalAsked(candidates=(3, 2), final="ensemble"),
  FinalResult(candidate=3, metrics={"test": METRICS}, params=7, export="export/1"),
  FinalResult(
    final="top_k",
    members=(FinalMember(candidate=3, fitness=0.5, metrics={"test": METRICS}, params=7),),
    left_out=(LeftOut(2, "diverged"),),
    others={"connection_weights": []},
  ),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_is_written_is_read(record):
  assert type(record).from_json(record.to_json(), "a.json") == record


def test_a_candidate_of_before_there_were_digests_has_none():
  old = {"number": 0, "seed": 1, "architecture": ARCHITECTURE, "parent": None, "tournament": []}
  candidate = records.Candidate.from_json(old, "candidate.json")
  assert candidate == records.Candidate(number=0, seed=1, architecture=ARCHITECTURE)


@pytest.mark.parametrize(
  "record, content, told",
  [
    (records.Candidate, {"number": 0, "seed": 1}, "architecture is missing"),
    (records.Candidate, [], r"it is \[\], not an object"),
    (records.Result, {"number": 0, "status": "ok", "metrics": {}}, "fitness is missing"),
    (records.Result, {"number": 0, "status": "fine"}, 'status is "fine", not one of'),
    (
      records.Result,
      {"number": 0, "status": "failed", "connection_weights": [{"source": "a"}]},
      r"connection_weights\[0\].target is missing",
    ),
    (records.Timing, {"seconds": "long"}, 'seconds is "long", not a number'),
    (records.Progress, {"step": 3}, "phase is missing"),
    (FinalAsked, {"final_steps": 20}, "it names no candidate"),
    (FinalResult, {"export": "export/1"}, "it has no metrics, and names no candidate"),
  ],
)
def test_a_damaged_file_is_told_with_its_remedy(record, content, told):
  with pytest.raises(cli.UserError, match=f"^a.json is damaged: .*{told}.*; {record.REMEDY}$"):
    record.from_json(content, "a.json")


def test_a_file_of_another_format_is_told():
  content = {**RECORDS[1].to_json(), "format_version": 2}
  with pytest.raises(cli.UserError, match="a.json has format version 2, this program reads 1"):
    records.Candidate.from_json(content, "a.json")


def test_founders_of_a_refinement_are_read_from_its_flags():
  founder = {"candidate": 3, "architecture": ARCHITECTURE}
  refined = {"start_from": {"model_dir": "earlier", "founders": [founder]}}
  flags = records.RunFlags(identity=refined, operation={})
  assert flags.founders() == (records.Founder(3, ARCHITECTURE),)
  assert records.RunFlags(identity={"start_from": None}, operation={}).founders() is None
