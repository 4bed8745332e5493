"""The question that a network answers: what it predicts, and how right it is.

contract           what a task is: target, output, metrics, fitness
registry           the tasks by name, also those from outside the tree
classification     the task of clips with one label
multi_label        the task of clips with several labels
label_metrics      the metrics of both
average_precision  mean average precision, computed over a whole split
"""
