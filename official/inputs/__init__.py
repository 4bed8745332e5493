"""The input pipeline: turns the videos of a prepared dataset into batches of clips.

cache         where decoded videos are kept: on disk, in memory, or nowhere
clip_store    the videos of a split, decoded in advance or when they are needed
clip_values   the values of streams, as stored and as networks take them
clips         batches for training and evaluation; example n is a function of (seed, n)
filling       whole batches, filled in place by threads
folds         cross-validation folds of the clips of train and validation
flow_source   where optical flow comes from: stored, or computed from the frames
in_graph      frames brought to sizes by TensorFlow, for served networks
record_index  random access to the records of TFRecord files
stream_sizes  how large streams are, as stored and as networks see them
stream_tensors  what TensorFlow does with streams of each kind
targets       what a loss compares outputs with: classes, or frames of which a network sees less
usable        the checks that a dataset must pass before training
videos        videos at the size from which crops are taken
views         the part of a video that becomes a clip: frames, box, mirroring, brightness
"""
