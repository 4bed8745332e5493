"""Reports the progress of a search: the best so far, the population, who is in flight, time left.

  python -m official.status --model_dir=RUN

It reads the folder of a search that is alive, dead or finished, and changes nothing in it.
"""

import dataclasses
import json

from absl import flags

from data_prep.common import cli
from official.runs import extensions
from official.search import overview

FLAGS = flags.FLAGS

flags.DEFINE_string("model_dir", None, "Folder of the search, as given to official.evolve.")
extensions.define_flag()
flags.DEFINE_bool("json", False, "Prints one JSON object, for programs.")


def main(_) -> int:
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  found = overview.read(cli.resolve_path(FLAGS.model_dir))
  print(json.dumps(dataclasses.asdict(found), indent=1) if FLAGS.json else overview.text(found))
  return 0


if __name__ == "__main__":
  cli.run(main)
