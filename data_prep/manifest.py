"""Makes a manifest from a folder with one subfolder of videos for each class.

  python -m data_prep.manifest --videos_dir=videos --output=videos.csv

  videos/run/anna_1.mp4  ->  path,label,split
  videos/run/ben_7.mp4       videos/run/anna_1.mp4,run,train
  videos/jump/anna_2.mov     videos/run/ben_7.mp4,run,validation   ...

Paths are relative to the CSV. Every class is split in the given proportions. Clips that must stay
together (of one person, of one recording) are named by --group_regex: its first bracket, searched
in the path below --videos_dir, is the group, e.g. --group_regex='/([a-z]+)_' for the person above.
The same folder, flags and seed give the same file.
"""

from collections.abc import Sequence
import os
import re

from absl import flags
import numpy as np

from data_prep import cli
from data_prep import files
from data_prep import rows
from data_prep import splitting

_VIDEOS_DIR = flags.DEFINE_string("videos_dir", None,
                                  "Folder with one subfolder of videos for each class.")
_OUTPUT = flags.DEFINE_string("output", None, "CSV to write.")
_VALIDATION_FRACTION = flags.DEFINE_float(
    "validation_fraction",
    0.2,
    "Share of every class for validation, which chooses among networks.",
    lower_bound=0.0,
    upper_bound=1.0)
_TEST_FRACTION = flags.DEFINE_float(
    "test_fraction",
    0.2,
    "Share of every class for the test, looked at once, at the end.",
    lower_bound=0.0,
    upper_bound=1.0)
_GROUP_REGEX = flags.DEFINE_string(
    "group_regex", None,
    "Regular expression whose first bracket is what clips of one group have in common.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the split.", lower_bound=0)
_OVERWRITE = flags.DEFINE_bool("overwrite", False,
                               "Replace --output where it is there with other content.")


def find_videos(directory: str) -> list[tuple[str, str]]:
  """Returns, sorted, (path relative to `directory`, class) of every video below a subfolder."""
  if not os.path.isdir(directory):
    raise cli.UserError(f"there is no folder --videos_dir={directory}")
  found = []
  for name in sorted(os.listdir(directory)):
    if name.startswith("."):
      continue
    for folder, subfolders, names in os.walk(os.path.join(directory, name)):
      subfolders[:] = sorted(subfolder for subfolder in subfolders if not subfolder.startswith("."))
      found += [(os.path.relpath(os.path.join(folder, file), directory), name)
                for file in names
                if file.lower().endswith(files.VIDEO_EXTENSIONS) and not file.startswith(".")]
  classes = {label for _, label in found}
  if len(classes) < 2:
    raise cli.UserError(
        f"--videos_dir={directory} needs a subfolder of videos for each class, two classes at "
        f"least; found {len(found)} videos of {len(classes)} classes (a video ends in "
        f"{' '.join(files.VIDEO_EXTENSIONS)})")
  for label in sorted(classes):
    if ";" in label or label != label.strip():
      raise cli.UserError(
          f"the folder {label!r} cannot name a class: it has a ';' or begins or ends with a blank; "
          "rename it")
  return sorted(found)


def group_of(path: str, pattern: re.Pattern[str] | None) -> str:
  """Returns the group of a video: itself, or what the pattern's first bracket found."""
  if pattern is None:
    return path
  match = pattern.search(path)
  if not match or match[1] is None:
    raise cli.UserError(f"--group_regex={pattern.pattern} finds no group in {path}")
  return match[1]


def main(arguments: Sequence[str]) -> None:
  """Writes one manifest."""
  del arguments
  for flag in (_VIDEOS_DIR, _OUTPUT):
    if not flag.value:
      raise cli.UserError(f"--{flag.name} is needed (--help lists the flags)")
  directory, output = cli.resolve_path(_VIDEOS_DIR.value), cli.resolve_path(_OUTPUT.value)
  for_training = 1.0 - _VALIDATION_FRACTION.value - _TEST_FRACTION.value
  if for_training <= 0:
    raise cli.UserError(f"--validation_fraction={_VALIDATION_FRACTION.value:g} and "
                        f"--test_fraction={_TEST_FRACTION.value:g} leave nothing to train on")
  pattern = _pattern(_GROUP_REGEX.value)
  found = find_videos(directory)
  labels = [label for _, label in found]
  splits = splitting.split(labels, [group_of(path, pattern) for path, _ in found], {
      "train": for_training, "validation": _VALIDATION_FRACTION.value, "test": _TEST_FRACTION.value
  }, np.random.default_rng(_SEED.value))
  folder = os.path.dirname(output)
  content = rows.to_csv(
      [os.path.relpath(os.path.join(directory, path), folder) for path, _ in found], labels, splits)
  if os.path.exists(output) and not _OVERWRITE.value and files.read_bytes(output) != content:
    raise cli.UserError(
        f"--output={output} is there already, with other content; give another, or --overwrite")
  files.make_directory(folder)
  files.write_bytes(output, content)
  counts = ", ".join(f"{splits.count(name)} {name}" for name in ("train", "validation", "test"))
  print(f"wrote {output}: {counts} clips of {len(set(labels))} classes")


def _pattern(text: str | None) -> re.Pattern[str] | None:
  if text is None:
    return None
  try:
    pattern = re.compile(text)
  except re.error as error:
    raise cli.UserError(f"--group_regex={text} is no regular expression: {error}") from error
  if not pattern.groups:
    raise cli.UserError(f"--group_regex={text} has no bracket; the first bracket is the group")
  return pattern


if __name__ == "__main__":
  cli.run(main)
