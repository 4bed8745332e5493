"""The dataset folder and the videos that it is made of: formats, decoding, optical flow.

array_frames   frames of numbers as a dataset holds them, to the bit
class_table    how many clips of each class are in each split
clip_examples  one clip of a manifest to one SequenceExample
clocks         the time of each frame of a video, in seconds, as a player shows it
coded_frames   frames that have been through a video codec, beside those that have not
degradation    what makes of good frames the worse ones that a network learns to restore
decoding       video files to upright RGB frames on an even grid of time
first_search   the search to begin with, for a dataset
flow_colors    optical flow as colours
flow_methods   the algorithms of optical flow to choose from
isolation      clips made in a process of their own, so that a crash costs one clip
limits         limits that no file of a manifest can make a worker exceed
looks_wrong    signs that something is wrong with a clip
lucas_kanade   optical flow between two frames: Lucas-Kanade on a grid of points
mask_files     masks of a manifest: the class of every pixel of a video
metadata       dataset.json: classes, streams, frame rate, sizes, counts
pictures       from a decoded frame to the picture that a player shows
png            a fast decoder for the PNG images that data_prep writes
preview_clips  some clips of a dataset, and figures over them, for people to look at
preview_lists  the lists of that page: what looks wrong, what failed
preview_page   the HTML page of data_prep.preview
records        SequenceExamples and TFRecord files without TensorFlow
rows           the rows of a manifest: which video, which labels, which split
seeking        frames from a second on, the same as when the whole file is read
splitting      deals labelled items out to train, validation and test
stored_images  images as a dataset holds them: JPEG or PNG, and their sizes
stream_clips   the further streams of a clip: read, aligned with its frames, stored, measured
stream_files   arrays, folders of images and videos that a stream comes from
stream_inputs  what --stream says, and what is wrong with the files that it needs
stream_kinds   what may be done with the values of a stream, for each kind of stream
streams        what a dataset tells of a stream: kind, channels, where it is stored
tvl1           optical flow between two frames: TV-L1, on the CPU
tvl1_kernels   one level of TV-L1's pyramid, in machine code that numba makes
video_file     an open video file: its picture stream, packet by packet
"""
