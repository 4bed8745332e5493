"""Model Garden tasks: what a network predicts, its loss and its metrics.

average_precision     mean average precision, the metric of clips with several labels
checkpoints           finds the newest checkpoint of a folder and checks it
model_garden          registers architectures with TF Model Garden
video_classification  the classification of clips, with one label or several
warm_start            initial weights from an earlier training
"""
