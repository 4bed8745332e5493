"""Makes a manifest from a folder with one subfolder of videos for each class.

  python -m data_prep.manifest --videos_dir=videos --output=videos.csv

  videos/run/anna_1.mp4  ->  path,label,split
  videos/run/ben_7.mp4       videos/run/anna_1.mp4,run,train
  videos/jump/anna_2.mov     videos/run/ben_7.mp4,run,validation   ...

Paths are relative to the CSV. Every class is split in the given proportions. Clips that must stay
together (of one person, of one recording) are named by --group_regex: its first bracket, searched
in the path below --videos_dir, is the group, e.g. --group_regex='/([a-z]+)_' for the person above.
A file that is there several times, by links, stays together, too. The same folder, flags and seed
give the same file.

What was skipped (hidden files, other extensions, linked folders) is said, and how many clips of
each class are in each split.
"""

import collections
from collections.abc import Callable, Sequence
import os
import re
import sys

from absl import flags
import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import listing
from data_prep.common import next_command
from data_prep.dataset import class_table
from data_prep.dataset import metadata
from data_prep.dataset import rows
from data_prep.dataset import splitting

_VIDEOS_DIR = flags.DEFINE_string(
  "videos_dir", None, "Folder with one subfolder of videos for each class."
)
_OUTPUT = flags.DEFINE_string("output", None, "CSV to write.")
_VALIDATION_FRACTION = flags.DEFINE_float(
  "validation_fraction",
  0.2,
  "Share of every class for validation, which chooses among networks.",
  lower_bound=0.0,
  upper_bound=1.0,
)
_TEST_FRACTION = flags.DEFINE_float(
  "test_fraction",
  0.2,
  "Share of every class for the test, looked at once, at the end.",
  lower_bound=0.0,
  upper_bound=1.0,
)
_GROUP_REGEX = flags.DEFINE_string(
  "group_regex",
  None,
  "Regular expression whose first bracket is what clips of one group have in common.",
)
_IMAGES = flags.DEFINE_bool(
  "images", False, "List still images (.jpg, .jpeg, .png), too: each is a clip of one frame."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the split.", lower_bound=0)
_OVERWRITE = flags.DEFINE_bool(
  "overwrite", False, "Replace --output where it is there with other content."
)


def find_videos(
  directory: str, tell: Callable[[str], None] = lambda line: None, *, images: bool = False
) -> list[tuple[str, str]]:
  """Returns, sorted, (path relative to `directory`, class) of every video below a subfolder.

  Args:
    directory: With a subfolder for each class.
    tell: Called with a line about each kind of file or folder that is skipped.
    images: Whether still images count as videos.

  Raises:
    UserError: There are fewer than two classes, or a folder's name cannot be a class.
  """
  try:
    names = sorted(os.listdir(directory))
  except FileNotFoundError as error:
    raise cli.UserError(f"there is no folder --videos_dir={directory}") from error
  except OSError as error:
    raise cli.UserError(
      f"--videos_dir={directory} cannot be read as a folder: {error.strerror}"
    ) from error
  found, listings, empty, outside = [], [], [], []
  for name in names:
    path = os.path.join(directory, name)
    if not os.path.isdir(path):
      outside += [path] if listing.is_video_name(name) and not name.startswith(".") else []
      continue
    if name.startswith("."):
      listings.append(listing.Listing(videos=(), skipped={listing.HIDDEN: (path,)}))
      continue
    listings.append(listing.find(path, images=images))
    found += [(os.path.relpath(video, directory), name) for video in listings[-1].videos]
    empty += [] if listings[-1].videos else [path]
  found = _usable(found, directory, tell)
  for line in listing.told(listing.join(listings).skipped):
    tell(line)
  _tell_of(
    outside,
    "video that lies in no subfolder, so that it has no class",
    "videos that lie in no subfolder, so that they have no class",
    tell,
  )
  _tell_of(empty, "subfolder without a video", "subfolders without a video", tell)
  _check_classes(found, directory)
  return sorted(found)


def _usable(
  found: Sequence[tuple[str, str]], directory: str, tell: Callable[[str], None]
) -> list[tuple[str, str]]:
  """Returns the videos that a manifest can list."""
  strange = [path for path, _ in found if not _is_text(path)]
  lost = [path for path, _ in found if not os.path.exists(os.path.join(directory, path))]
  _tell_of(
    strange,
    "video whose name is not UTF-8, which a manifest cannot hold (rename it)",
    "videos whose names are not UTF-8, which a manifest cannot hold (rename them)",
    tell,
  )
  _tell_of(lost, "link to a file that is not there", "links to files that are not there", tell)
  unusable = {*strange, *lost}
  return [(path, label) for path, label in found if path not in unusable]


def _is_text(path: str) -> bool:
  try:
    path.encode()
  except UnicodeEncodeError:
    return False
  return True


def _tell_of(paths: Sequence[str], one: str, several: str, tell: Callable[[str], None]) -> None:
  if paths:
    tell(listing.line(paths, one, several))


def _check_classes(found: Sequence[tuple[str, str]], directory: str) -> None:
  classes = {label for _, label in found}
  if len(classes) < 2:
    raise cli.UserError(
      f"--videos_dir={directory} needs a subfolder of videos for each class, two classes at "
      f"least; found {len(found)} videos of {len(classes)} classes (a video ends in "
      f"{' '.join(files.VIDEO_EXTENSIONS)}; --images takes {' '.join(files.IMAGE_EXTENSIONS)}, too)"
    )
  for label in sorted(classes):
    if ";" in label or label != label.strip() or len(label.splitlines()) > 1:
      raise cli.UserError(
        f"the folder {label!r} cannot name a class: it has a ';' or a line break, or begins or "
        "ends with a blank; rename it"
      )


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
    if files.is_url(flag.value):
      raise cli.UserError(
        f"--{flag.name}={flag.value} is a URL, and a manifest is made of local videos in a local "
        "file; make it beside a copy of the folder, and then copy both to the store"
      )
  directory, output = cli.resolve_path(_VIDEOS_DIR.value), cli.resolve_path(_OUTPUT.value)
  for_training = 1.0 - _VALIDATION_FRACTION.value - _TEST_FRACTION.value
  if for_training <= 0:
    raise cli.UserError(
      f"--validation_fraction={_VALIDATION_FRACTION.value:g} and "
      f"--test_fraction={_TEST_FRACTION.value:g} leave nothing to train on"
    )
  pattern = _pattern(_GROUP_REGEX.value)
  notes: list[str] = []
  found = find_videos(directory, notes.append, images=_IMAGES.value)
  labels = [label for _, label in found]
  fractions = {
    "train": for_training,
    "validation": _VALIDATION_FRACTION.value,
    "test": _TEST_FRACTION.value,
  }
  repeated = _repeated(found, directory)
  groups = _joined([group_of(path, pattern) for path, _ in found], repeated)
  splits = splitting.split(labels, groups, fractions, np.random.default_rng(_SEED.value))
  folder = os.path.dirname(output)
  paths = [os.path.relpath(os.path.join(directory, path), folder) for path, _ in found]
  _write(output, rows.to_csv(paths, labels, splits))
  counts = ", ".join(f"{splits.count(name)} {name}" for name in metadata.SPLITS)
  print(f"wrote {cli.printable(output)}: {counts} clips of {len(set(labels))} classes", flush=True)
  wanted = [name for name, fraction in fractions.items() if fraction]
  table = class_table.tabulate(((label,), split) for label, split in zip(labels, splits))
  warnings = [*_about_repeated(found, repeated), *table.warnings(wanted)]
  if pattern is not None:
    warnings += _about_groups(groups, pattern, wanted)
  for line in (*notes, *table.lines(), *(f"warning: {warning}" for warning in warnings)):
    _say(line)
  extract = next_command.command(
    "python -m data_prep.extract", manifest=output, output_dir=os.path.join(folder, "data")
  )
  next_command.tell([extract])


def _write(output: str, content: bytes) -> None:
  """Writes the manifest; raises UserError if that fails, or if another one exists."""
  try:
    if os.path.exists(output) and not _OVERWRITE.value and files.read_bytes(output) != content:
      raise cli.UserError(
        f"--output={output} is there already, with other content; give another, or --overwrite"
      )
    files.make_directory(os.path.dirname(output))
    files.write_bytes(output, content)
  except OSError as error:
    raise cli.UserError(
      f"--output={output} cannot be written: {error.strerror or error}"
    ) from error


def _say(line: str) -> None:
  print(line, file=sys.stderr, flush=True)


def _repeated(found: Sequence[tuple[str, str]], directory: str) -> list[list[int]]:
  """Returns, for each file that occurs repeatedly, the indices of the videos that are this file."""
  same = collections.defaultdict(list)
  for index, (path, _) in enumerate(found):
    same[listing.identity(os.path.join(directory, path))].append(index)
  return [indices for indices in same.values() if len(indices) > 1]


def _joined(groups: Sequence[str], repeated: Sequence[Sequence[int]]) -> list[str]:
  """Returns the group of each video; groups that have a file in common become one."""
  leader = {group: group for group in groups}

  def leader_of(group: str) -> str:
    while leader[group] != group:
      group = leader[group]
    return group

  for first, *others in repeated:
    for other in others:
      leader[leader_of(groups[other])] = leader_of(groups[first])
  return [leader_of(group) for group in groups]


def _about_groups(
  groups: Sequence[str], pattern: re.Pattern[str], wanted: Sequence[str]
) -> list[str]:
  """Returns a warning if there are fewer groups than splits."""
  names = sorted(set(groups))
  if len(names) >= len(wanted):
    return []
  several = "one group" if len(names) == 1 else f"{len(names)} groups"
  return [
    f"--group_regex={pattern.pattern} puts all {len(groups)} videos into {several} "
    f"({class_table.named(names)}), and a group is never divided; its first bracket must "
    "tell recordings apart"
  ]


def _about_repeated(
  found: Sequence[tuple[str, str]], repeated: Sequence[Sequence[int]]
) -> list[str]:
  """Returns warnings about files that are listed repeatedly."""
  told = []
  if repeated:
    one, other = (cli.printable(found[index][0]) for index in repeated[0][:2])
    files_are = "file is" if len(repeated) == 1 else "files are"
    told.append(
      f"{len(repeated)} {files_are} listed more than once, by links, and kept in one "
      f"split: {one} is {other}"
    )
  torn = [indices for indices in repeated if len({found[index][1] for index in indices}) > 1]
  if torn:
    one, other = (cli.printable(found[index][0]) for index in torn[0][:2])
    told.append(
      f"{len(torn)} of them are listed under more than one class, as {one} and {other}; "
      "a clip of several classes is one row, label a;b"
    )
  return told


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
