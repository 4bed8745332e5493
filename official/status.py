"""Reports the progress of a search: the best so far, the population, who is in flight, time left.

  python -m official.status --model_dir=RUN
  python -m official.status --model_dir=RUN --watch

It reads the folder of a search that is alive, dead or finished, and changes nothing in it. --watch
shows it again every 5 seconds, --watch=60 every minute, until the search ends or Ctrl-C is pressed.
"""

import dataclasses
import json

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from official.programs import next_steps
from official.runs import extensions
from official.search import overview
from official.search import state
from official.search import watch

FLAGS = flags.FLAGS
_SECONDS = 5.0


class _Seconds(flags.ArgumentParser):
  """Parses --watch, --watch=SECONDS and --nowatch."""

  def parse(self, argument):
    if argument in (None, "false"):
      return None
    if argument == "true":
      return _SECONDS
    try:
      seconds = float(argument)
    except ValueError:
      seconds = 0.0
    if not 0.1 <= seconds <= 86400:
      raise ValueError(f"{argument} is no number of seconds from 0.1 to 86400")
    return seconds


class _Watch(flags.Flag):
  """A flag that may be given without a value."""

  def __init__(self, name: str, text: str):
    super().__init__(_Seconds(), None, name, None, text)
    self.boolean = True


flags.DEFINE_string("model_dir", None, "Folder of the search, as given to official.evolve.")
extensions.define_flag()
flags.DEFINE_bool("json", False, "Prints one JSON object, for programs.")
flags.DEFINE_flag(
  _Watch("watch", f"Shows the status again and again, every {_SECONDS:g} s or --watch=SECONDS.")
)


def main(_) -> int:
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  if FLAGS.watch and FLAGS.json:
    raise cli.UserError("--watch and --json exclude each other; give one")
  model_dir = cli.resolve_path(FLAGS.model_dir)
  if FLAGS.watch:
    try:
      memory = state.Memory()
      last = watch.watch(lambda: overview.read(model_dir, memory), FLAGS.watch)
      next_command.tell(next_steps.after_status(last))
    except KeyboardInterrupt:
      print(flush=True)
    return 0
  found = overview.read(model_dir)
  if FLAGS.json:
    print(json.dumps(dataclasses.asdict(found), indent=1))
    return 0
  print(overview.text(found), flush=True)
  next_command.tell(next_steps.after_status(found))
  return 0


if __name__ == "__main__":
  cli.run(main)
