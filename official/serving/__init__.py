"""SavedModels: turns trained networks into what a server can load, and asks it questions.

answers       the CSV of predictions
batch         predictions for many videos, readable or not
c_api         runs a SavedModel through TensorFlow's C API, without the Python package
client        asks TensorFlow Serving, by gRPC or REST
exporter      writes a version: SavedModel, labels, architecture, warm-up, model card
frame_files   frames as a video, or a folder of PNGs
frames        the streams of a network from plain frames, in the graph
mask_windows  classes of pixels of frames of any size and number
messages      the protocol buffers of TensorFlow Serving
model_card    model_card.md
network_drawings  net.svg, a picture of each network
orientation   turns pictures as their EXIF orientation demands
overlaps      intersections over unions of masks
prediction    predictions for videos by a SavedModel in this process
quality       decibels and structural similarity of frames
restoring     whole videos through a network that restores frames
saved_model   reads an exported version and runs it as a server would
segmenting    whole videos through a network that tells the class of every pixel
side_by_side  a picture of input, output and truth of videos
signatures    the signatures of a SavedModel
tiling        frames of any size and number through windows of one size
verification  checks that a SavedModel does what a server needs
versions      numbered versions that appear whole or not at all
warm_up       the requests with which a server warms up
windows       cuts a video of any length into clips
"""
