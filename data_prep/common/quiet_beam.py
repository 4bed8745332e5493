"""Apache Beam, imported without the warnings that its own dependencies print while they load.

Importing this takes about two seconds: do it where a job is built or a URL opened, not on the way
to `--help`.
"""

import logging
import warnings

_handlers = list(logging.root.handlers)
logging.disable(logging.WARNING)
try:
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import apache_beam as beam
    from apache_beam.options import pipeline_options
finally:
  logging.disable(logging.NOTSET)
  logging.root.handlers[:] = _handlers  # Even a silenced warning adds one that prints.

__all__ = ["beam", "pipeline_options"]
