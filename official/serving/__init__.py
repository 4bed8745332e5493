"""From a trained network to a SavedModel that a server can load."""
