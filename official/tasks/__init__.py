"""The question that a network answers: what it predicts, and how right it is.

average_precision  mean average precision, the metric of clips with several labels
"""
