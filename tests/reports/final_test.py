"""The final network's section: figures agree with predictions.csv, and clips are found."""

import csv
import json
import pathlib

import numpy as np
import pytest
import run_folder

from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stored_images
from official.reports import facts
from official.reports import film_strips
from official.reports import final_files
from official.reports import page
from official.reports.sections import final

_COLUMNS = ("clip", "split", "label", "answer", "score", "right")


def _predictions(folder: pathlib.Path, split: str = "test") -> None:
  """There are two clips of each class; every fifth clip is taken for the next class."""
  classes = run_folder.CLASSES
  rows = []
  for number in range(12):
    label, wrong = number % 6, number % 5 == 0
    answer = (label + wrong) % 6
    score = 0.5 + number / 100
    rows.append([f"clip{number}", split, classes[label], classes[answer], score, int(not wrong)])
  with open(folder / "predictions.csv", "w", encoding="utf-8", newline="") as file:
    csv.writer(file).writerows([_COLUMNS, *rows])


@pytest.fixture
def run(finished_run, tmp_path):
  """A run whose dataset is gone, with answers about 12 test clips and a learning curve."""
  folder = run_folder.copied(finished_run, tmp_path / "run")
  _predictions(folder / "final")
  (folder / "final" / "curve.csv").write_text(
    "step,split,loss,accuracy\n20,train,1.5,0.3\n40,train,1.25,0.5\n20,validation,1.75,\n"
    "40,validation,1.375,0.625\n60,tra"
  )
  return folder


def _parts(section: page.Section, kind: type) -> list:
  found, waiting = [], list(section.parts)
  while waiting:
    part = waiting.pop(0)
    if isinstance(part, kind):
      found.append(part)
    if isinstance(part, page.Grid | page.Details):
      waiting[:0] = part.parts
  return found


def test_a_class_has_its_shares_with_intervals(run):
  section = final.section(facts.read(str(run)))
  (table,) = [t for t in _parts(section, page.Table) if t.caption.startswith("Classes")]
  by_class = {row[0]: row for row in table.rows}
  # Clips 0, 5 and 10, of the classes 0, 5 and 4, are wrong, and were taken for 1, 0 and 5.
  assert by_class["plain"][1:] == (2, 0.5, "0.095 to 0.905", 2, 0.5, "0.095 to 0.905")


def test_the_matrix_counts_every_clip(run):
  section = final.section(facts.read(str(run)))
  (figure,) = [f for f in _parts(section, page.Figure) if f.name == "confusion"]
  assert figure.description.startswith("Of 12 clips 9 are on the diagonal")
  assert len(figure.table.rows) == 3 and {row[2] for row in figure.table.rows} == {1}
  assert "clip" in figure.picture.svg("confusion", "title", "text") or figure.picture.hovers


def test_wrong_answers_are_told_the_surest_first(run):
  section = final.section(facts.read(str(run)))
  (table,) = [t for t in _parts(section, page.Table) if t.caption == "Wrong answers"]
  assert [row[0] for row in table.rows] == ["clip10", "clip5", "clip0"]
  texts = [part.paragraph for part in section.parts if isinstance(part, page.Text)]
  assert any("The videos are not shown: " in text for text in texts)


def test_a_curve_is_drawn_of_whole_lines(run):
  section = final.section(facts.read(str(run)))
  (figure,) = [f for f in _parts(section, page.Figure) if f.name == "curve-loss"]
  assert figure.table.rows[-1] == (40, "validation", 1.375)
  assert "from 1.7500 to 1.3750" in figure.description


def test_a_dataset_that_is_gone_is_a_sentence(run):
  search = json.loads((run / "search.json").read_text())
  search["operation"]["data_dir"] = str(run / "nowhere")
  (run / "search.json").write_text(json.dumps(search))
  section = final.section(facts.read(str(run)))
  texts = [part.paragraph for part in section.parts if isinstance(part, page.Text)]
  assert any("The dataset is not where it was" in text for text in texts)


def test_a_run_of_an_older_version_has_its_metrics_and_a_note(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  (folder / "final" / "predictions.csv").unlink()
  section = final.section(facts.read(str(folder)))
  assert [part.caption for part in _parts(section, page.Table)] == ["Metrics of the final network"]
  assert "An older version" in section.parts[-1].paragraph


def test_a_run_without_a_final_training_has_no_section(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  for path in (folder / "final").iterdir():
    if path.is_file():
      path.unlink()
  assert final.section(facts.read(str(folder))) is None


def test_examples_are_shown_beside_their_truth(run):
  folder = run / "final" / "examples"
  folder.mkdir()
  (run / "final" / "predictions.csv").write_text("clip,split,psnr\na,test,30\n")
  (folder / "examples.csv").write_text(
    "clip,split,input,output,truth\na,test,../../x.png,o.png,t.png\n"
  )
  for place, level in ((run / "x.png", 9), (folder / "o.png", 50), (folder / "t.png", 70)):
    place.write_bytes(stored_images.encode(np.full((8, 16, 3), level, np.uint8), "png"))
  (image,) = _parts(final.section(facts.read(str(run))), page.Image)
  assert image.title == "a" and image.description == "From top to bottom: output, truth. psnr 30"
  picture = stored_images.decode(image.png, grey=False)
  assert picture[[0, 8, 11], 0, 0].tolist() == [50, 255, 70] and len(picture) == 19


def _record(clip: str, level: int) -> bytes:
  frame = stored_images.encode(np.full((8, 8, 3), level, np.uint8), "png")
  flow = stored_images.encode(np.full((8, 8, 3), 128, np.uint8), "png")
  return records.sequence_example(
    {"example/id": [clip.encode()]},
    {"image/encoded": [[frame]] * 3, "FORWARD_FLOW/image/encoded": [[flow]] * 2},
  )


def test_a_clip_is_found_by_its_place_and_shown_over_its_flow(tmp_path):
  info = run_folder.dataset(tmp_path)
  with open(tmp_path / metadata.shard_name("test", 0, 1), "wb") as file:
    for number in range(5):
      records.write_record(file, _record(f"clip{number}", 10 * number))
  found = film_strips.read(str(tmp_path), info, "test", {3: "clip3", 4: "another"})
  assert list(found) == [3]
  picture = stored_images.decode(found[3].png, grey=False)
  assert picture.shape == (2 * 88 + 3, 3 * 91 - 3, 3)
  assert (picture[:88, :88] == 30).all() and found[3].fastest == pytest.approx(0.5)


def test_the_answers_of_several_networks_are_those_of_the_best(run):
  own = run / "final" / f"{facts.read(str(run)).winner:06d}"
  own.mkdir()
  (run / "final" / "predictions.csv").rename(own / "predictions.csv")
  assert len(final_files.answers(facts.read(str(run)))["test"]) == 12
