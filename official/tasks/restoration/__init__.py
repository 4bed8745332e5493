"""The task of frames that were made worse: what were they before?

spec    the metrics, the first of which is the gain over the input in decibels
answer  frames from an input and what a network adds to it
served  frames in, frames out
task    Charbonnier, L1 or L2 between the answer and the dataset's own frames
"""
