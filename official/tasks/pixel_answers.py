"""What tasks have in common that answer for every pixel, where a network is served: no rows."""

from collections.abc import Iterable, Mapping, Sequence

from data_prep.common import cli
from official.tasks import answering


class PixelServed(answering.Served):
  """Answers are frames or masks, of which `official.predict` writes no rows and judges none."""

  columns = ()
  wide_prefix = ""
  has_rows = False

  def row(
    self, values: Sequence[float], named: Sequence[str], classes: Sequence[str]
  ) -> dict[str, str]:
    raise cli.UserError(f"the network returns {self.averaged}, of which there are no rows of a CSV")

  def verdict(self, row: Mapping[str, str], labels: Sequence[str]) -> str:
    return ""

  def told(self, values: Sequence[float], named: Sequence[str], labels: Sequence[str]) -> str:
    return ""

  def marks(
    self,
    rows: Iterable[Mapping[str, str]],
    labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    *,
    per_window: bool,
  ) -> list[str]:
    return []
