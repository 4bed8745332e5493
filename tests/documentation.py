"""The commands that README.md and docs/ tell: lines of code blocks, as they stand."""

from collections.abc import Iterator
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_PROGRAMS = (
  "apt-get",
  "bazel",
  "docker",
  "export",
  "python",
  "ray",
  "saved_model_cli",
  "source",
  "tensorboard",
  "tools/",
)


def commands(text: str) -> list[str]:
  """Returns the commands of a page in order; lines that end in a backslash are joined.

  A command is an indented line of its own that begins with a program; the listing of files or of
  output begins with something else.
  """
  joined = re.sub(r" *\\\n *", " ", text)
  lines = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
  return [line for line in lines if line.startswith(_PROGRAMS)]


def inline_commands(text: str) -> list[str]:
  """Returns the commands with flags that a page names within its sentences, in backquotes."""
  return [
    command
    for command in re.findall(r"`([^`\n]+)`", text)
    if command.startswith(_PROGRAMS) and " --" in command
  ]


def section(text: str, title: str) -> str:
  """Returns what stands below the heading `## title`."""
  return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def all_commands() -> Iterator[tuple[pathlib.Path, str]]:
  """Yields (page, command) of README.md and docs/."""
  for page in PAGES:
    text = page.read_text()
    for command in (*commands(text), *inline_commands(text)):
      yield page, command
