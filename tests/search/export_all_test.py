"""The export of every candidate that was trained to the end."""

import io
import json

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs.executors import inline
from official.search import application

TOP_2 = {"final": "top_k", "top_k": 2}


def whole_run(path, **changes):
  """Searches and trains to the end; returns the final result, and what was printed."""
  text = io.StringIO()
  status = application.run(
    model_dir=str(path),
    space=search_fakes.small_space(),
    settings=search_fakes.settings(**TOP_2, **changes),
    clip=search_fakes.CLIP,
    executor=lambda: inline.Inline(threads=1),
    trainings=lambda: application.Trainings(
      candidate=search_fakes.quick,
      final=search_fakes.final_of_front,
      joining=search_fakes.joining_of_front,
    ),
    identity={},
    operation={},
    final_settings={"final_steps": 20},
    console=console.Console(lines=text, terminal=False),
  )
  assert status == 0
  return json.loads((path / "final" / "result.json").read_text()), text.getvalue()


def starts(path):
  return [file.read_text() for file in sorted(path.glob("final/*/starts.txt"))]


def test_each_has_an_export_of_its_own(tmp_path):
  final, printed = whole_run(tmp_path, export="all")
  other = final["members"][1]["candidate"]
  exports = [each["export"] for each in final["members"]]
  assert exports == ["export/1", f"export_top_k/{other:06d}/1"] and final["export"] == "export/1"
  for each in final["members"]:
    assert (tmp_path / each["export"] / "candidate").read_text() == str(each["candidate"])
    assert each["export"] in printed
  assert "the best 2 after the final training, each with its own export:" in printed
  assert "dominated" not in printed


def test_the_others_can_be_exported_later_and_nothing_is_trained_again(tmp_path):
  final, printed = whole_run(tmp_path)
  assert not (tmp_path / "export_top_k").exists() and "its own export" not in printed
  assert "export" not in final["members"][0]
  before = starts(tmp_path)
  final, _ = whole_run(tmp_path, export="all")
  assert len(list((tmp_path / "export_top_k").iterdir())) == 1
  assert starts(tmp_path) == before == ["0\n", "0\n"]


def test_it_is_refused_where_one_network_comes_out():
  with pytest.raises(cli.UserError) as error:
    search_fakes.settings(final="ensemble", export="all")
  assert str(error.value) == (
    "--export=all is for --final=top_k, and --final=ensemble; leave one of them out (a front is "
    "exported whole in any case)"
  )
