"""The table of clips by class and split."""

from data_prep.dataset import class_table
from data_prep.dataset import metadata


def test_a_clip_of_two_classes_counts_in_both_and_once_in_all():
  table = class_table.tabulate([(("run", "jump"), "train"), (("run",), "test")])
  assert table.lines() == [
    "class      train  validation  test  all",
    "jump           1           0     0    1",
    "run            1           0     1    2",
    "2 classes      1           0     1    2",
  ]


def test_clips_without_labels_have_one_row():
  table = class_table.tabulate([((), "train"), ((), "train"), ((), "test")])
  assert table.lines() == [
    "       train  validation  test  all",
    "clips      2           0     1    3",
  ]
  assert table.warnings(["train"]) == []


def test_classes_and_splits_without_clips_are_told():
  table = class_table.tabulate([(("run",), "train"), (("jump",), "test")], ["eat", "jump", "run"])
  assert table.warnings() == [
    "no clip is in the split validation: a search has nothing to choose networks by",
    "2 of the 3 classes have no clip in the split train: eat, jump",
    "2 of the 3 classes have no clip in the split test: eat, run",
  ]
  assert table.warnings(["train"]) == [
    "2 of the 3 classes have no clip in the split train: eat, jump"
  ]


def test_classes_that_may_be_one_are_told():
  names = ("Run", "run", "hand stand", "handstand", "caf\u00e9", "cafe\u0301", "eat")
  clips = [((name,), split) for name in names for split in metadata.SPLITS]
  assert class_table.tabulate(clips).warnings() == [
    "classes that differ only in capitals, blanks or the coding of letters: 'Run' and 'run', "
    "'cafe\u0301' and 'caf\u00e9', 'hand stand' and 'handstand'"
  ]


def test_of_many_classes_those_are_shown_that_lack_a_split_and_then_the_smallest():
  clips = [((f"class {number:03d}",), split) for number in range(339) for split in metadata.SPLITS]
  clips = [clip for clip in clips if clip != (("class 200",), "test")]
  clips += [((f"class {number:03d}",), "train") for number in range(300)]
  lines = class_table.tabulate(clips).lines()
  assert len(lines) == 23
  assert lines[1].split() == ["class", "200", "2", "1", "0", "3"]
  assert lines[2].split() == ["class", "300", "1", "1", "1", "3"]
  assert lines[-2:] == [
    "... 319 more classes with 3 to 4 clips",
    "339 classes    639         339   338  1316",
  ]


def test_long_and_wide_names_keep_the_columns_in_place():
  clips = [(("x" * 90,), "train"), (("\u6f22\u5b57",), "train"), (("e\u0301\n",), "train")]
  lines = class_table.tabulate(clips).lines()
  assert lines[1].startswith("e\u0301\\n" + " " * 37)
  assert lines[2].startswith("x" * 37 + "...  ")
  assert lines[3].startswith("\u6f22\u5b57" + " " * 36)
  assert all(line.endswith("1") for line in lines[1:-1])


def test_counts_go_to_dataset_json_in_the_order_of_the_classes():
  table = class_table.tabulate([(("run",), "train"), (("jump",), "test")])
  assert table.by_split(["run", "jump"]) == {"train": [1, 0], "validation": [0, 0], "test": [0, 1]}
