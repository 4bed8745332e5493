"""Model Garden tasks: what is predicted, the loss, the metrics."""
