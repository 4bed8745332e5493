"""Segmentation: the class of every pixel.

served  what a SavedModel answers, and the report of a split
spec    the task as flags and searches know it
task    masked cross entropy; intersections over unions
"""
