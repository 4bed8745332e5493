"""Answers like classification, under another title, with another column."""

from official.tasks.classification import served


class Served(served.Served):
  """Says how sure it is."""

  columns = (*served.Served.columns, "sure")

  def title(self, classes):
    return f"Focal classifier of {len(classes)} classes"

  def row(self, values, named, classes):
    return {**super().row(values, named, classes), "sure": "yes" if max(values) > 0.5 else "no"}
