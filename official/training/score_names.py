"""The scores without training, by name (scores.py), and the value of --scores."""

from data_prep.common import cli

SCORES = ("gradient_norm", "naswot", "snip", "synflow")
ALL = "all"


def parse(text: str | None) -> tuple[str, ...]:
  """Returns the names in a text like `synflow,naswot`, sorted; all of them for `all`.

  Raises:
    UserError: There is no score of that name.
  """
  names = [name.strip() for name in (text or "").split(",") if name.strip()]
  for name in names:
    if name not in (*SCORES, ALL):
      raise cli.UserError(
        f"--scores={text}: there is no score {name!r}; give {ALL}, or some of {', '.join(SCORES)}"
      )
  return SCORES if ALL in names else tuple(sorted(set(names)))
