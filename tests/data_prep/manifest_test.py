"""The main that makes a manifest from folders."""

import os
import pathlib

import pytest

from data_prep.dataset import rows


@pytest.fixture
def videos(tmp_path) -> pathlib.Path:
  """Two classes of ten empty files each, two of every person, and things that are no videos."""
  for label in ("jump", "run"):
    for index in range(10):
      path = tmp_path / "videos" / label / f"person{index // 2}_{index}.MP4"
      path.parent.mkdir(parents=True, exist_ok=True)
      path.touch()
  (tmp_path / "videos" / "run" / "notes.txt").touch()
  (tmp_path / "videos" / ".hidden").mkdir()
  (tmp_path / "videos" / ".hidden" / "a.mp4").touch()
  return tmp_path / "videos"


@pytest.fixture
def make(run_main, videos):
  """Runs the main on `videos`; flags given as name=value."""

  def run(*arguments, **flags):
    flags = {"videos_dir": videos, "output": videos.parent / "m.csv"} | flags
    return run_main(
      [
        "-m",
        "data_prep.manifest",
        *arguments,
        *(f"--{name}={value}" for name, value in flags.items()),
      ]
    )

  return run


def test_it_lists_every_video_with_its_folder_as_label(make, videos):
  assert make().stdout == (
    f"wrote {videos.parent / 'm.csv'}: 12 train, 4 validation, 4 test clips of 2 classes\n"
  )
  found = rows.read(str(videos.parent / "m.csv"))
  assert {pathlib.Path(row.location).parent.name for row in found if row.labels == ("run",)} == {
    "run"
  }
  assert all(pathlib.Path(row.location).exists() for row in found)


def test_paths_are_relative_to_the_csv(make, videos):
  make(output=videos.parent / "elsewhere" / "m.csv")
  row = rows.read(str(videos.parent / "elsewhere" / "m.csv"))[0]
  assert row.path == "../videos/jump/person0_0.MP4"


def test_a_group_stays_together(make, videos):
  make(group_regex="(person[0-9])_")
  split_of = {}
  for row in rows.read(str(videos.parent / "m.csv")):
    split_of.setdefault(row.path.split("/")[-1].split("_")[0], set()).add(row.split)
  assert sorted(map(len, split_of.values())) == [1] * 5


def test_the_same_seed_gives_the_same_file(make, videos):
  make()
  make(output=videos.parent / "again.csv")
  make(output=videos.parent / "other.csv", seed=1)
  first, again, other = (
    (videos.parent / f"{name}.csv").read_bytes() for name in ("m", "again", "other")
  )
  assert first == again != other


def test_it_does_not_replace_another_manifest(make, videos):
  (videos.parent / "m.csv").write_text("edited")
  run = make()
  assert run.returncode == 2
  assert run.stderr == (
    f"error: --output={videos.parent / 'm.csv'} is there already, with other "
    "content; give another, or --overwrite\n"
  )
  assert make("--overwrite").returncode == 0


def test_it_says_what_it_skipped_and_what_comes_next(make, videos):
  (videos / "run" / ".person0_0.mp4").touch()
  (videos / "run" / "a.mxf").touch()
  (videos / "run" / "more").symlink_to(videos / "jump")
  (videos / "run" / "gone.mp4").symlink_to("nowhere.mp4")
  (videos / "loose.mp4").touch()
  (videos / "eat").mkdir()
  (videos / "run" / os.fsdecode(b"caf\xe9.mp4")).touch()
  assert make().stderr.splitlines() == [
    "skipped 1 video whose name is not UTF-8, which a manifest cannot hold (rename it): "
    "run/caf\\udce9.mp4",
    "skipped 1 link to a file that is not there: run/gone.mp4",
    f"skipped 2 hidden videos or folders, such as {videos}/.hidden",
    f"skipped 2 files without a video's extension (1 .mxf, 1 .txt), such as {videos}/run/a.mxf",
    f"skipped 1 linked folder (name its target, or move it here): {videos}/run/more",
    f"skipped 1 video that lies in no subfolder, so that it has no class: {videos}/loose.mp4",
    f"skipped 1 subfolder without a video: {videos}/eat",
    "class      train  validation  test  all",
    "jump           6           2     2   10",
    "run            6           2     2   10",
    "2 classes     12           4     4   20",
    f"next: python -m data_prep.extract --manifest={videos.parent}/m.csv "
    f"--output_dir={videos.parent}/data",
  ]


def test_splits_and_classes_that_come_out_empty_are_told(make, videos):
  told = make(group_regex="(person)").stderr
  assert "warning: no clip is in the split validation: a search has nothing to choose" in told
  assert "warning: no clip is in the split test: the final network cannot be tested" in told
  assert (
    "warning: --group_regex=(person) puts all 20 videos into one group (person), and a group "
    "is never divided; its first bracket must tell recordings apart"
  ) in told
  told = make("--overwrite", group_regex="^(jump|run)").stderr
  assert "puts all 20 videos into 2 groups (jump, run)" in told
  told = make("--overwrite", group_regex="^(jump|run/person[0-9])").stderr
  assert "warning: 1 of the 2 classes has no clip in the split validation: jump\n" in told


def test_a_split_that_is_not_wanted_may_be_empty(make):
  assert "warning" not in make(test_fraction=0).stderr


def test_a_file_that_is_there_twice_stays_in_one_split(make, videos):
  for index in range(10):
    link = videos / "run" / f"link{index}.mp4"
    if index % 2:
      link.symlink_to(f"person{index // 2}_{index}.MP4")
    else:
      link.hardlink_to(videos / "jump" / f"person{index // 2}_{index}.MP4")
  told = make().stderr
  found = rows.read(str(videos.parent / "m.csv"))
  assert len(found) == 30 and rows.leaks(found) == []
  assert (
    "warning: 10 files are listed more than once, by links, and kept in one split: "
    "jump/person0_0.MP4 is run/link0.mp4"
  ) in told
  assert "warning: 5 of them are listed under more than one class, as jump/person0_0.MP4" in told


def test_groups_that_have_a_file_in_common_stay_together(make, videos):
  (videos / "run" / "person9_0.MP4").symlink_to("person0_0.MP4")
  make(group_regex="(person[0-9])_")
  split_of = {
    row.path.split("/")[-1][:7]: row.split for row in rows.read(str(videos.parent / "m.csv"))
  }
  assert split_of["person9"] == split_of["person0"]


@pytest.mark.parametrize("name", ["a;b", " run", "a\nb"])
def test_a_folder_that_cannot_name_a_class_is_refused(make, videos, name):
  (videos / name).mkdir()
  (videos / name / "a.mp4").touch()
  run = make()
  assert run.returncode == 2 and "cannot name a class" in run.stderr


@pytest.mark.parametrize("output", ["{videos}", "{videos}/run/notes.txt/m.csv"])
def test_an_output_that_cannot_be_written_is_one_line(make, videos, output):
  run = make("--overwrite", output=output.format(videos=videos))
  assert run.returncode == 2
  assert "cannot be written: " in run.stderr and run.stderr.count("\n") == 1


@pytest.mark.parametrize(
  "flags, message",
  [
    ({"videos_dir": "/no/such/folder"}, "there is no folder --videos_dir=/no/such/folder"),
    (
      {"validation_fraction": 0.5, "test_fraction": 0.5},
      "--validation_fraction=0.5 and --test_fraction=0.5 leave nothing to train on",
    ),
    ({"group_regex": "person"}, "--group_regex=person has no bracket; the first bracket is the"),
    ({"group_regex": "("}, "--group_regex=( is no regular expression"),
    ({"group_regex": "(nobody)"}, "--group_regex=(nobody) finds no group in jump/person0_0.MP4"),
    ({"output": ""}, "--output is needed"),
    ({"colour": "red"}, "Unknown command line flag 'colour'"),
  ],
)
def test_a_mistake_is_one_line_and_status_2(make, videos, flags, message):
  run = make(**flags)
  assert run.returncode == 2
  assert message in run.stderr and run.stderr.count("\n") == 1
  assert not (videos.parent / "m.csv").exists()


def test_one_class_is_not_enough(make, videos):
  run = make(videos_dir=videos / "run")
  assert run.returncode == 2
  assert "needs a subfolder of videos for each class, two classes at least; found 0" in run.stderr
