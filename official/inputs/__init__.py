"""Prepared videos to batches of clips."""
