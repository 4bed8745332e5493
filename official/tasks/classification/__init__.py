"""The task of a dataset whose clips have one label each: which class is it?

spec  the metrics, among them accuracy
"""
