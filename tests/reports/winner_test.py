"""The section of the winner: its network, and what it changed of its parent."""

import json

import pytest
import run_folder

from official.reports import facts
from official.reports import page
from official.reports.sections import winner


def _figures(section):
  return {figure.name: figure for figure in page.figures(section.parts)}


@pytest.fixture(scope="module")
def run(finished_run):
  return facts.read(str(finished_run))


def test_the_network_that_was_trained_to_the_end_is_shown_with_its_final_weights(run):
  section = winner.section(run)
  assert section.title == "The winner"
  network = _figures(section)[f"network-{run.winner:06d}"]
  assert network.title.endswith("with the weights learned in the final training")
  table = "\n".join(str(row) for row in network.table.rows)
  for each in run.final.others["connection_weights"]:
    assert f"{each['source']} {each['end']:.2f}" in table


def test_a_child_is_shown_beside_its_parent_with_what_changed(run):
  child = next(number for number, c in run.candidates.items() if c.parent is not None)
  parts = list(winner.family(run, child))
  parent = run.candidates[child].parent
  assert parts[0].paragraph.startswith(
    f"What changed from candidate {parent:06d} to its child {child:06d}: kept "
  )
  assert [part.name for part in parts[1:]] == [f"parent-{child:06d}", f"child-{child:06d}"]
  svg = parts[2].picture.svg()
  assert svg.count(", new</title>") > 0


def test_members_of_an_ensemble_are_all_shown(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  path = folder / "final" / "result.json"
  content = json.loads(path.read_text())
  content |= {"final": "ensemble", "members": [{"candidate": 0}, {"candidate": 1}]}
  path.write_text(json.dumps(content))
  section = winner.section(facts.read(str(folder)))
  assert section.title == "The winners"
  assert {"network-000000", "network-000001"} <= set(_figures(section))


def test_nothing_is_shown_where_nothing_was_found(tmp_path):
  folder = run_folder.make(tmp_path / "run", training=run_folder.Training(failing=1))
  assert winner.section(facts.read(str(folder))) is None


def test_a_damaged_parent_takes_only_the_comparison_away(run, finished_run, tmp_path):
  child = next(number for number, c in run.candidates.items() if c.parent is not None)
  folder = run_folder.copied(finished_run, tmp_path / "run")
  (folder / "candidates" / f"{run.candidates[child].parent:06d}" / "candidate.json").write_text("{")
  assert list(winner.family(facts.read(str(folder)), child)) == []
