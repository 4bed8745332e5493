"""Values of a training from a YAML file, or from text such as `optimizer.type=adamw`.

    data: {num_frames: 16, image_size: 64}
    optimizer:
      type: adamw
      learning_rate: 0.005

The keys are the parts of the tree and their fields. A program takes those for which it has a flag.
"""

from collections.abc import Iterator, Mapping
import difflib
import re
from typing import Any

import yaml

from data_prep.common import cli
from official.training.config import fields
from official.training.config import values
from official.training.config.tree import Training

_NEXT = re.compile(r",(?=[\w.]+=)")  # A comma of a list is followed by no key.


def from_file(path: str, program: str, kind: type[Training] = Training) -> dict[str, Any]:
  """Returns values by name from a YAML file.

  Raises:
    UserError: The file cannot be read, a key is unknown, or a value has the wrong type or range.
  """
  source = f"--config_file={path}"
  try:
    with open(cli.resolve_path(path), "rb") as file:
      content = yaml.safe_load(file)
  except OSError as error:
    raise cli.UserError(f"{source} cannot be read ({error.strerror}); give a YAML file") from error
  except (yaml.YAMLError, UnicodeDecodeError) as error:
    raise cli.UserError(f"{source} is no YAML ({cli.one_line(str(error))})") from error
  if content is not None and not isinstance(content, Mapping):
    raise cli.UserError(f"{source} has no keys; write `optimizer: {{learning_rate: 0.05}}`")
  return dict(
    _value(key, value, source, program, kind) for key, value in _flat(content or {}, source)
  )


def from_text(text: str, program: str, kind: type[Training] = Training) -> dict[str, Any]:
  """Returns values by name from `part.field=value,...`. Raises as `from_file` does."""
  source = f"--params_override={text}"
  found = {}
  for one in _NEXT.split(text):
    key, equals, value = one.partition("=")
    if not equals:
      raise cli.UserError(f"{source}: {one!r} has no value; write part.field=value")
    leaf = _leaf(key.strip(), source, program, kind)
    name, checked = _value(leaf.path, leaf.parsed(value.strip()), source, program, kind)
    found[name] = checked
  return found


def _flat(content: Mapping[Any, Any], source: str) -> Iterator[tuple[str, Any]]:
  for part, inner in content.items():
    if not isinstance(inner, Mapping):
      raise cli.UserError(
        f"{source} has {part}: {inner!r}; a value is within a part, such as `optimizer: "
        "{learning_rate: 0.05}`"
      )
    for field, value in inner.items():
      yield f"{part}.{field}", value


def _leaf(key: str, source: str, program: str, kind: type[Training]) -> fields.Leaf:
  known = {leaf.path: leaf for leaf in values.leaves(kind) if program in leaf.knob.programs}
  if key in known:
    return known[key]
  raise cli.UserError(
    f"{source} has {key}, which official.{program} does not know; the nearest is "
    f"{_nearest(key, known)}"
  )


def _nearest(key: str, known: Mapping[str, fields.Leaf]) -> str:
  """Returns the key that is most like one that is unknown, also if it is in another part."""
  field = key.rpartition(".")[2]
  for path, leaf in known.items():
    if field in (leaf.field, leaf.name):
      return path
  return max(known, key=lambda path: difflib.SequenceMatcher(None, key, path).ratio())


def _value(
  key: str, value: Any, source: str, program: str, kind: type[Training]
) -> tuple[str, Any]:
  leaf = _leaf(key, source, program, kind)
  try:
    return leaf.name, leaf.checked(value)
  except cli.UserError as error:
    raise cli.UserError(f"{source}: {error}") from error
