"""The videos below a folder, and a summary of what was skipped.

Every program that looks for videos looks here, so that all of them find and skip the same files. A
video is a file with one of `files.VIDEO_EXTENSIONS`, in either case of letters. What is skipped is
counted by kind: hidden videos and folders (a copy from a Mac has a hidden `._a.mp4` beside every
`a.mp4`), files with another extension, linked folders (a link may lead back to where it came from),
folders that cannot be read, and pipes or devices that are named like videos.
"""

import collections
from collections.abc import Callable, Mapping, Sequence
import dataclasses
import os
import stat

from data_prep.common import cli
from data_prep.common import files

HIDDEN = "hidden"
OTHER_EXTENSION = "other extension"
LINKED_FOLDER = "linked folder"
UNREADABLE_FOLDER = "unreadable folder"
SPECIAL = "special file"
_NAMES = {  # Kind -> singular, plural.
  HIDDEN: ("hidden video or folder", "hidden videos or folders"),
  OTHER_EXTENSION: ("file without a video's extension", "files without a video's extension"),
  LINKED_FOLDER: (
    "linked folder (name its target, or move it here)",
    "linked folders (name their targets, or move them here)",
  ),
  UNREADABLE_FOLDER: ("folder that cannot be read", "folders that cannot be read"),
  SPECIAL: ("pipe or device", "pipes or devices"),
}
_EXTENSIONS_TOLD = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
  """The contents of a folder and of those below it.

  Attributes:
    videos: Paths, sorted.
    skipped: By kind, the paths that were skipped, sorted.
  """

  videos: tuple[str, ...]
  skipped: Mapping[str, tuple[str, ...]]


def is_image_name(name: str) -> bool:
  """Returns whether a file of this name is treated as a still image."""
  return name.lower().endswith(files.IMAGE_EXTENSIONS)


def is_video_name(name: str) -> bool:
  """Returns whether a file of this name is treated as a video."""
  return name.lower().endswith(files.VIDEO_EXTENSIONS)


def find(directory: str, *, images: bool = False) -> Listing:
  """Returns the videos at any depth below `directory`, which itself may be hidden or a link.

  Args:
    directory: Where to look.
    images: Whether still images are listed among the videos.
  """

  def wanted(name: str) -> bool:
    return is_video_name(name) or (images and is_image_name(name))

  videos, skipped = [], collections.defaultdict(list)

  def note_unreadable(error: OSError) -> None:
    skipped[UNREADABLE_FOLDER].append(error.filename or directory)

  for folder, subfolders, names in os.walk(directory, onerror=note_unreadable):
    for name in subfolders:
      path = os.path.join(folder, name)
      if name.startswith("."):
        skipped[HIDDEN].append(path)
      elif os.path.islink(path):
        skipped[LINKED_FOLDER].append(path)
    subfolders[:] = [name for name in subfolders if not name.startswith(".")]
    for name in names:
      kind, path = _kind(folder, name, wanted), os.path.join(folder, name)
      if kind:
        skipped[kind].append(path)
      elif wanted(name):
        videos.append(path)
  return Listing(
    videos=tuple(sorted(videos)),
    skipped={kind: tuple(sorted(paths)) for kind, paths in skipped.items()},
  )


def join(listings: Sequence[Listing]) -> Listing:
  """Returns several listings as one; what they list twice is there once."""
  skipped = collections.defaultdict(set)
  for listing in listings:
    for kind, paths in listing.skipped.items():
      skipped[kind].update(paths)
  return Listing(
    videos=tuple(dict.fromkeys(path for listing in listings for path in listing.videos)),
    skipped={kind: tuple(sorted(paths)) for kind, paths in skipped.items()},
  )


def told(skipped: Mapping[str, Sequence[str]]) -> list[str]:
  """Returns a line for each kind of what was skipped: how many, and an example."""
  return [
    line(skipped[kind], *names, detail=_extensions if kind == OTHER_EXTENSION else None)
    for kind, names in _NAMES.items()
    if skipped.get(kind)
  ]


def line(
  paths: Sequence[str],
  one: str,
  several: str,
  detail: Callable[[Sequence[str]], str] | None = None,
) -> str:
  """Returns a line that says how many paths were skipped, and names one.

  Args:
    paths: What was skipped.
    one, several: What that is, in the singular and in the plural.
    detail: Says more about the paths.
  """
  what = several if len(paths) > 1 else one
  more = f" ({detail(paths)})" if detail else ""
  such_as = ", such as" if len(paths) > 1 else ":"
  return f"skipped {len(paths)} {what}{more}{such_as} {cli.printable(paths[0])}"


def identity(path: str) -> object:
  """Returns a key that is equal for all paths to one local file, including links of either kind.

  The path of a file that is not there, and a URL, stand for themselves.
  """
  if files.is_url(path):
    return path
  try:
    found = os.stat(path)
  except OSError:
    return os.path.normpath(path)
  return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _kind(folder: str, name: str, wanted: Callable[[str], bool]) -> str | None:
  """Returns why a file is skipped, None where it is wanted or not worth a word."""
  if name.startswith("."):
    return HIDDEN if wanted(name) else None
  if not wanted(name):
    return OTHER_EXTENSION
  try:
    mode = os.stat(os.path.join(folder, name)).st_mode
  except OSError:  # Whoever opens it will say why that cannot be done.
    return None
  return None if stat.S_ISREG(mode) else SPECIAL


def _extensions(paths: Sequence[str]) -> str:
  counts = collections.Counter(
    os.path.splitext(path)[1].lower() or "no extension" for path in paths
  ).most_common()
  shown = [f"{count} {cli.printable(name)}" for name, count in counts[:_EXTENSIONS_TOLD]]
  return ", ".join(shown + ["..."] * (len(counts) > _EXTENSIONS_TOLD))
