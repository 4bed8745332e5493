"""The main that makes a manifest from folders."""

import pathlib

import pytest

from data_prep import rows


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
    return run_main(["-m", "data_prep.manifest", *arguments,
                     *(f"--{name}={value}" for name, value in flags.items())])

  return run


def test_it_lists_every_video_with_its_folder_as_label(make, videos):
  assert make().stdout == (f"wrote {videos.parent / 'm.csv'}: 12 train, 4 validation, 4 test clips "
                           "of 2 classes\n")
  found = rows.read(str(videos.parent / "m.csv"))
  assert {pathlib.Path(row.location).parent.name for row in found if row.labels == ("run",)} == {
      "run"}
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
  first, again, other = ((videos.parent / f"{name}.csv").read_bytes()
                         for name in ("m", "again", "other"))
  assert first == again != other


def test_it_does_not_replace_another_manifest(make, videos):
  (videos.parent / "m.csv").write_text("edited")
  run = make()
  assert run.returncode == 2
  assert run.stderr == (f"error: --output={videos.parent / 'm.csv'} is there already, with other "
                        "content; give another, or --overwrite\n")
  assert make("--overwrite").returncode == 0


@pytest.mark.parametrize("flags, message", [
    ({"videos_dir": "/no/such/folder"}, "there is no folder --videos_dir=/no/such/folder"),
    ({"validation_fraction": 0.5, "test_fraction": 0.5},
     "--validation_fraction=0.5 and --test_fraction=0.5 leave nothing to train on"),
    ({"group_regex": "person"}, "--group_regex=person has no bracket; the first bracket is the"),
    ({"group_regex": "("}, "--group_regex=( is no regular expression"),
    ({"group_regex": "(nobody)"}, "--group_regex=(nobody) finds no group in jump/person0_0.MP4"),
    ({"output": ""}, "--output is needed"),
    ({"colour": "red"}, "Unknown command line flag 'colour'"),
])
def test_a_mistake_is_one_line_and_status_2(make, videos, flags, message):
  run = make(**flags)
  assert run.returncode == 2
  assert message in run.stderr and run.stderr.count("\n") == 1
  assert not (videos.parent / "m.csv").exists()


def test_one_class_is_not_enough(make, videos):
  run = make(videos_dir=videos / "run")
  assert run.returncode == 2
  assert "needs a subfolder of videos for each class, two classes at least; found 0" in run.stderr
