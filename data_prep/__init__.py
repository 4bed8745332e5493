"""The preparation of data: turns labelled videos into TFRecords of frames and optical flow.

extract   the main that prepares a dataset, as an Apache Beam job
manifest  the main that makes a manifest from a folder per class
preview   the main that shows a prepared dataset in one HTML page
common    command lines, files, JSON, errors and progress: the base of every program
dataset   the dataset folder and its videos: formats, decoding, optical flow
job       the Beam job

Nothing here imports `official`, and nothing imports TensorFlow when it is imported.
"""
