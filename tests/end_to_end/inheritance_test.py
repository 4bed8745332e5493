"""A search whose children inherit weights, killed twice and resumed: the same bits."""

import json
import os
import pathlib
import signal
import time

import evolve_runs
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

_FLAGS = [
  "--inherit=blocks",
  "--population_size=2",
  "--tournament_size=1",
  "--remove=oldest",
  "--rounds=3",
  "--candidate_steps=20",
  "--checkpoint_steps=10",
  "--final_steps=2",
  "--ema_decay=0.9",
  "--keep_checkpoints=0",
  "--workers=1",
  "--threads_per_candidate=1",
  "--num_frames=4",
  "--image_size=16",
  "--batch_size=4",
]
_LEVEL = {
  "kinds": ["basic_2plus1d"],
  "blocks": 2,
  "channels": [8],
  "min_channels": 4,
  "modules": 1,
  "spatial_strides": [1],
}
_SPACE = {
  "name": "smallest",
  "stems": [[{"kind": "stem_2d", "streams": ["rgb"], "channels": 4, "spatial_stride": 4}]],
  "levels": [_LEVEL],
  "temporal_dilations": [1, 2],
  "max_operators": 4,
}


def _begin(data: str, run: pathlib.Path):
  space = run.with_suffix(".json")
  space.write_text(json.dumps(_SPACE))
  return evolve_runs.start(data, run, [*_FLAGS, f"--search_space={space}"])


def _kill_when(data: str, run: pathlib.Path, condition) -> None:
  """Begins or resumes a run, and kills it, its workers too, as soon as a condition holds."""
  driver, deadline = _begin(data, run), time.monotonic() + evolve_runs.LONGEST
  try:
    while not condition():
      assert driver.poll() is None and time.monotonic() < deadline, evolve_runs.said(run)
      time.sleep(0.02)
  finally:
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()


def _finish(data: str, run: pathlib.Path) -> None:
  assert _begin(data, run).wait(evolve_runs.LONGEST) == 0, evolve_runs.said(run)


def _records(run: pathlib.Path) -> dict[str, bytes]:
  paths = run.glob("candidates/*/*.json")
  return {
    f"{path.parent.name}/{path.name}": path.read_bytes()
    for path in sorted(paths)
    if path.name in ("candidate.json", "result.json", "inheritance.json")
  }


def test_a_search_that_inherits_has_the_same_bits_after_kills(sample_dataset, tmp_path):
  whole, killed = tmp_path / "whole", tmp_path / "killed"
  _finish(sample_dataset, whole)
  child, later = (evolve_runs.candidate(killed, name) for name in ("000002", "000004"))
  _kill_when(sample_dataset, killed, (child / "candidate.json").exists)
  _kill_when(sample_dataset, killed, lambda: evolve_runs.newest_checkpoint(later) == 10)
  _finish(sample_dataset, killed)
  records = _records(whole)
  assert len(records) == 5 * 3 and _records(killed) == records
  for number, ancestors in ((0, 0), (1, 0), (2, 1)):
    result = json.loads(records[f"{number:06d}/result.json"])
    assert result["lineage_steps"] == 20 * (1 + ancestors)
    assert (result["inherited"] > 0.5) == (ancestors > 0)
