"""TF Model Garden's side: what is registered there, so that its programs know our networks.

registrations   backbone `evolved`, experiments `evolved_rgb` and `evolved_streams`
"""
