"""The metrics that a model card tells."""

from official.serving import model_card


def test_there_are_columns_for_the_metrics_that_there_are():
  text = model_card._metrics(
    {"validation": {"loss": 0.5, "mean_average_precision": 0.75}, "test": {"loss": float("nan")}}
  )
  assert text.splitlines()[-4:] == [
    "| split | loss | mean_average_precision |",
    "|---|---|---|",
    "| validation | 0.5000 | 0.7500 |",
    "| test | - | - |",
  ]
