"""The page that shows a dataset."""

import base64
import dataclasses
import html.parser
import re

import cv2
import numpy as np
import pytest

from data_prep.common import next_command
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import preview_clips
from data_prep.dataset import preview_page
from data_prep.dataset.streams import StreamInfo
from data_prep.job import preparation

ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


@pytest.fixture(scope="module")
def prepared(manifest, tmp_path_factory):
  folder = tmp_path_factory.mktemp("preview") / "some <data>"
  preparation.prepare(
    str(manifest),
    str(folder),
    clip_examples.Settings(fps=10, short_side=48),
    num_shards=2,
    operation=ONE_WORKER,
  )
  return folder


@pytest.fixture(scope="module")
def page(prepared, run_main, tmp_path_factory):
  output = tmp_path_factory.mktemp("page") / "preview.html"
  run = run_main(["-m", "data_prep.preview", f"--data_dir={prepared}", f"--output={output}"])
  assert run.returncode == 0, run.stderr
  search = next_command.command(
    "python -m official.evolve", data_dir=prepared, model_dir="run", search_space="small"
  )
  assert run.stderr == f"next: {search}\n"
  assert run.stdout == f"wrote {output}: 6 clips read of 2 classes\n"
  return output.read_text()


def pictures(page, name):
  """Returns the images whose description begins with `name`."""
  found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"[^>]* alt="([^"]*)"', page)
  return [
    cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    for data, description in found
    if description.startswith(name)
  ]


def test_every_clip_of_a_class_has_its_frames_and_its_flow(page):
  assert [picture.shape for picture in pictures(page, "rgb of")] == [
    pictures(page, "flow of")[index].shape for index in range(6)
  ]
  for label in ("left", "right"):
    assert page.count(f'">{label} <small>3 of the 3 clips that were read</small></h2>') == 1


def test_flow_to_the_right_is_red_and_to_the_left_cyan(page):
  left, right = np.split(
    np.array([picture.mean((0, 1)) for picture in pictures(page, "flow of")]), 2
  )
  assert (right[:, 0] > right[:, 1] + 50).all()
  assert (left[:, 1] > left[:, 0] + 50).all()


def test_the_page_loads_nothing_and_is_well_formed(page):
  assert not re.search(r'(?:src|href)="(?!data:|#)', page) and "<script" not in page
  html.parser.HTMLParser().feed(page)
  assert page.count("<svg") == page.count("</svg>") == 2


def test_names_are_escaped(page):
  assert "<title>some &lt;data&gt;</title>" in page


def test_clips_are_counted_by_class_and_split(page, prepared):
  assert "<summary>Clips by class and split</summary>" in page
  for label, counts in (("left", (2, 0, 1, 3)), ("right", (1, 1, 1, 3))):
    cells = "".join(f"<td>{count}</td>" for count in counts)
    assert re.search(f'<tr><td><a href="#class-[01]">{label}</a></td>{cells}</tr>', page)
  assert metadata.load(str(prepared)).class_clips == {
    "train": [2, 1],
    "validation": [0, 1],
    "test": [1, 1],
  }


def test_a_dataset_that_was_not_counted_shows_what_was_read_of_it(prepared):
  info = dataclasses.replace(metadata.load(str(prepared)), class_clips=None)
  summary = preview_clips.summarize(preview_clips.read(str(prepared), info, 3), info, 1)
  page = preview_page.render("data", info, summary, [])
  assert "<summary>Clips by class and split, of those that were read</summary>" in page
  assert sum(map(sum, summary.split_counts.values())) == 3


def test_failures_are_told_with_stage_and_reason(page):
  assert (
    "<tr><td>decode</td><td>Invalid data found when processing input</td><td>1</td>"
    "<td>broken.mp4</td></tr>"
  ) in page


def test_clips_are_read_from_files_all_over_the_dataset(prepared):
  info = metadata.load(str(prepared))
  found = preview_clips.read(str(prepared), info, 3)
  assert [clip.split for clip in found] == ["train", "train", "test"]


def test_what_looks_wrong_is_found_in_the_clips_that_were_read(prepared):
  info = metadata.load(str(prepared))
  first, second, *_ = preview_clips.read(str(prepared), info, 3)
  dark = {name: [0 * one for one in pictures] for name, pictures in second.pictures.items()}
  copy = dataclasses.replace(first, clip_id="copy", pictures=dark)
  summary = preview_clips.summarize([first, second, copy], info, 1)
  assert [(sign.clip_id, sign.kind) for sign in summary.signs] == [
    ("copy", "duplicate"),
    ("copy", "black"),
    ("copy", "still"),
  ]


def test_more_clips_of_a_class_are_folded(prepared):
  info = metadata.load(str(prepared))
  summary = preview_clips.summarize(preview_clips.read(str(prepared), info, 100), info, 3)
  page = preview_page.render("data", info, summary, [], unfolded=1)
  shown, folded = page.split("<summary>2 more clips of left</summary>")
  assert shown.count("rgb of") == 1 and folded.count("rgb of") == 5


def test_figures_are_of_what_was_read(prepared):
  info = metadata.load(str(prepared))
  summary = preview_clips.summarize(preview_clips.read(str(prepared), info, 100), info, 1)
  assert sorted(np.round(summary.seconds * 10)) == [6, 7, 8, 9, 10, 11]
  assert abs(np.median(summary.measured["flow"]) - 2) < 0.3
  assert summary.cut_off == {"flow": 0.0}
  assert {label: len(shown) for label, shown in summary.shown.items()} == {"left": 1, "right": 1}


def test_of_many_classes_each_has_fewer_clips_and_the_rest_are_named():
  classes = tuple(f"class {number:03d}" for number in range(250))
  stream = StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")
  info = metadata.DatasetInfo(
    classes=classes,
    streams={"rgb": stream},
    fps=10.0,
    short_side=192,
    failures=0,
    splits={name: metadata.SplitInfo() for name in metadata.SPLITS},
    multi_label=False,
    manifest_sha256="",
    settings={},
    versions={},
  )
  picture = np.zeros((192, 256, 3), np.uint8)
  clips_read = [
    preview_clips.Clip(
      clip_id=label, split="train", labels=(label,), frames=1, pictures={"rgb": [picture]}
    )
    for label in classes[:240] * 2
  ]
  summary = preview_clips.summarize(clips_read, info, 3)
  assert [len(summary.shown[label]) for label in classes] == [1] * 200 + [0] * 50
  assert summary.shown["class 000"][0].pictures["rgb"][0].shape == (96, 128, 3)
  page = preview_page.render("data", info, summary, [])
  assert "Classes that are not shown <small>50, with" in page
  assert "class 239 (2), class 240 (0)" in page


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["--output=p.html"], "--data_dir is needed"),
    (["--data_dir=nowhere", "--output=p.html"], "nowhere is no finished dataset"),
  ],
)
def test_a_mistake_is_one_line_and_status_2(run_main, arguments, message):
  run = run_main(["-m", "data_prep.preview", *arguments])
  assert run.returncode == 2 and message in run.stderr and run.stderr.count("\n") == 1


def test_a_dataset_without_flow(manifest, tmp_path, run_main):
  preparation.prepare(
    str(manifest),
    str(tmp_path / "data"),
    clip_examples.Settings(fps=10, short_side=48, flow="none"),
    operation=ONE_WORKER,
  )
  output = tmp_path / "preview.html"
  run = run_main(
    ["-m", "data_prep.preview", f"--data_dir={tmp_path / 'data'}", f"--output={output}"]
  )
  assert run.returncode == 0, run.stderr
  assert len(pictures(output.read_text(), "rgb of")) == 6
  assert not pictures(output.read_text(), "flow") and output.read_text().count("<svg") == 1
