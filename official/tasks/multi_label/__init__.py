"""The task of a dataset whose clips may have several labels: which classes are there?

spec    the metrics, the first of which is mean average precision
task    sigmoid cross entropy
served  a probability for each class
"""
