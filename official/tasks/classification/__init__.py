"""The task of a dataset whose clips have one label each: which class is it?

spec       the metrics, among them accuracy
task       softmax cross entropy
served     probabilities that sum to 1
confusion  the confusion matrix, counted
report     the report on one split, for people and for programs
"""
