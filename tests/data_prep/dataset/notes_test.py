"""Odd clips have notes, and others have none."""

import json

import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import preview_page
from data_prep.dataset import records
from data_prep.job import preparation


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, shared_data, write_video):
  """Prepares an ordinary clip, one with a pause, and one of which too little is there."""
  folder = tmp_path_factory.mktemp("notes")
  write_video(folder / "plain.mp4")
  cases = shared_data / "reported_cases"
  (folder / "m.csv").write_text(
    "\n".join(
      [
        "path,label,split,clip_id,start,end",
        "plain.mp4,a,train,plain,,",
        f"{cases / 'pause90.mkv'},a,train,pause,0.5,3",
        f"{cases / 'delayed.mp4'},b,train,late,1,2.5",
        f"{cases / 'delayed.mp4'},b,train,early,1,1.5",
      ]
    )
    + "\n"
  )
  info = preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, short_side=16, flow="none"),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return folder / "data", info


def test_notes_are_in_dataset_json_by_clip(prepared):
  directory, info = prepared
  late = "the first frame comes 2 s after the beginning of the file"
  pause = "no new frame for 90.04 s from second 0.96 on; the one before stands for that time"
  assert json.loads((directory / "dataset.json").read_text())["notes"] == {
    "late": [late],
    "pause": [pause],
  }
  assert metadata.load(str(directory)) == info


def test_a_record_has_its_notes(prepared):
  found = {}
  for path in prepared[0].glob("*.tfrecord"):
    with path.open("rb") as file:
      for record in records.read_records(file):
        context = records.parse(record)[0]
        found[context["example/id"][0]] = context.get("clip/notes")
  assert found[b"plain"] is None and found[b"late"] == [
    b"the first frame comes 2 s after the beginning of the file"
  ]


def test_a_cut_before_the_first_frame_says_when_that_is(prepared):
  failure = json.loads((prepared[0] / "failures.jsonl").read_text())
  assert failure["error"] == (
    "the video has no frame between start 1 s and its end; its first is at 2 s"
  )


def test_a_dataset_without_notes_says_nothing_of_them(prepared):
  data = metadata.to_json(prepared[1])
  del data["notes"]
  assert metadata.to_json(metadata.from_json(data)) == data


def test_the_end_of_the_job_sums_the_notes_up(prepared):
  directory, info = prepared
  assert (
    preparation._summary(info, str(directory), 1.0)
    .splitlines()[1]
    .startswith(
      f"note: something is odd about 2 clips, told one by one under notes in {directory}/dataset"
    )
  )


def test_the_preview_shows_the_notes(prepared):
  page = preview_page._facts("data", prepared[1], 2)
  assert "1 x the first frame comes 2 s after the beginning of the file" in page
