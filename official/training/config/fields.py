"""The declaration of a field of a training's description, and the check of its values.

    momentum: float = knob(0.9, "Momentum of the optimizer.", least=0, most=1)

is all there is to say of a training knob. From this declaration come its command-line flag, its
place in a YAML file, the check of its range, whether a run records it as part of its identity, its
value in a run that was begun before it existed, and its row in the model card.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import math
import types
import typing
from typing import Any

from data_prep.common import cli

EVOLVE, TRAIN = PROGRAMS = ("evolve", "train")
_KNOB = "knob"
_NULL = ("", "null", "none", "~")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True} | {
  "false": False,
  "no": False,
  "off": False,
  "0": False,
}
_TAKES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Range:
  """Numbers that a field can have; a bound that is None does not bound.

  Attributes:
    least, most: Bounds that are in the range.
    above, below: Bounds that are not.
    what: What the number is, for the message.
  """

  least: float | None = None
  most: float | None = None
  above: float | None = None
  below: float | None = None
  what: str = "a number"

  @property
  def closed(self) -> bool:
    """Whether there are two bounds, both in the range."""
    return self.least is not None and self.most is not None

  def holds(self, value: float) -> bool:
    """Whether a number is finite and within the bounds."""
    return (
      math.isfinite(value)
      and (self.least is None or value >= self.least)
      and (self.most is None or value <= self.most)
      and (self.above is None or value > self.above)
      and (self.below is None or value < self.below)
    )

  def __str__(self) -> str:
    """The demand on a number, such as `a number of at least 1`."""
    if self.closed:
      return f"{self.what} from {self.least} to {self.most}"
    if self.above is not None and self.below is not None:
      return f"{self.what} between {self.above} and {self.below}"
    if self.above is not None and self.most is not None:
      return f"{self.what}, above {self.above} and at most {self.most}"
    if self.above is not None:
      return f"{self.what} above {self.above}"
    return f"{self.what} of at least {self.least}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Knob:
  """The declaration of a field besides its name, type and default.

  Attributes:
    help: What the flag's help says, in full sentences.
    flag: Name of the flag, where it is not that of the field.
    choices: The texts that it can be besides its default, or a function that returns them, where
      more may be registered; empty: any.
    range: The numbers that it can be.
    programs: Those that have a flag for it.
    identity: Programs whose runs record it among what decides their outcome, for good.
    operation: Programs whose runs record it among what may change when they are resumed.
    absent_by_default: Whether runs and cards say nothing of it where it is the default, so that
      those from before it existed keep their identity.
    since: 1 if every run of a program in `identity` has recorded it. Otherwise a run may have been
      begun before it existed; it counts as made with the default.
  """

  help: str
  flag: str = ""
  choices: tuple[str, ...] | Callable[[], Sequence[str]] = ()
  range: Range | None = None
  programs: tuple[str, ...] = PROGRAMS
  identity: tuple[str, ...] = PROGRAMS
  operation: tuple[str, ...] = ()
  absent_by_default: bool = False
  since: int = 2

  @property
  def allowed(self) -> tuple[str, ...]:
    """The choices of the moment."""
    return tuple(self.choices() if callable(self.choices) else self.choices)


def knob(default: Any, help: str, *, what: str = "a number", **facts: Any) -> Any:
  """Returns a dataclass field that is declared as a training knob.

  Args:
    default: Value of a training that does not say, and of a run begun before the field existed.
    help: What the flag's help says.
    what: What a number is, for the message about its range.
    facts: `least`, `most`, `above`, `below` as of `Range`; the others as of `Knob`.
  """
  bounds = {name: facts.pop(name) for name in ("least", "most", "above", "below") if name in facts}
  bound = Range(what=what, **bounds) if bounds else None
  return dataclasses.field(default=default, metadata={_KNOB: Knob(help=help, range=bound, **facts)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Leaf:
  """A field in its place.

  Attributes:
    group: Name of the part of the tree that has it.
    field: Its name there.
    type: bool, int, float or str.
    optional: Whether it may be None.
    default: Its default.
    knob: What is declared of it.
  """

  group: str
  field: str
  type: type
  optional: bool
  default: Any
  knob: Knob

  @property
  def name(self) -> str:
    """Its name among all: that of its flag, under which runs record it."""
    return self.knob.flag or self.field

  @property
  def path(self) -> str:
    """Its place in a YAML file."""
    return f"{self.group}.{self.field}"

  def checked(self, value: Any) -> Any:
    """Returns a value of the field's type.

    Raises:
      UserError: It has another type, or is out of the range.
    """
    if value is None and self.optional:
      return None
    if self.type is float and isinstance(value, (int, str)) and not isinstance(value, bool):
      value = _number(value)
    if type(value) is not self.type:
      takes = _TAKES[self.type] + (" or null" if self.optional else "")
      raise cli.UserError(f"{self.path} is {value!r}, and takes {takes}")
    choices, bound = self.knob.allowed, self.knob.range
    if choices and value not in (*choices, self.default):
      raise cli.UserError(
        f"`{self.name}`={value} is unknown; it is one of {', '.join(map(str, choices))}"
      )
    if bound and isinstance(value, (int, float)) and not bound.holds(value):
      raise cli.UserError(f"`{self.name}`={value} is out of range; give {bound}")
    return value

  def parsed(self, text: str) -> Any:
    """Returns the value that a text stands for, unchecked where it stands for none."""
    if self.optional and text.lower() in _NULL:
      return None
    if self.type is bool:
      return _TRUTH.get(text.lower(), text)
    if self.type is int:
      try:
        return int(text)
      except ValueError:
        return text
    return text


def _number(value: int | str) -> float | int | str:
  """Returns a float; what is none stays. (YAML takes 1e-4, which has no point, for a text.)"""
  try:
    return float(value)
  except ValueError:
    return value


def of_group(kind: type, group: str) -> list[Leaf]:
  """Returns the knobs that a dataclass declares, in their order, as those of `group`."""
  hints = typing.get_type_hints(kind)
  leaves = []
  for field in dataclasses.fields(kind):
    declared = field.metadata.get(_KNOB)
    if declared is None:
      continue
    hint = hints[field.name]
    optional = isinstance(hint, types.UnionType)
    plain = typing.get_args(hint)[0] if optional else hint
    leaves.append(
      Leaf(
        group=group,
        field=field.name,
        type=plain,
        optional=optional,
        default=field.default,
        knob=declared,
      )
    )
  return leaves


class Group:
  """A frozen dataclass of knobs, whose values are checked when it is made."""

  def __post_init__(self) -> None:
    for leaf in of_group(type(self), type(self).__name__.lower()):
      object.__setattr__(self, leaf.field, leaf.checked(getattr(self, leaf.field)))


def hints_of_groups(kind: type) -> Mapping[str, type]:
  """Returns the groups of a tree by the name of their field."""
  hints = typing.get_type_hints(kind)
  return {
    field.name: hints[field.name]
    for field in dataclasses.fields(kind)
    if isinstance(hints[field.name], type) and issubclass(hints[field.name], Group)
  }
