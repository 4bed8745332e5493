"""Writes a search as a journal of Optuna, which optuna-dashboard shows.

  python -m official.export_optuna RUN study.log
  optuna-dashboard study.log

A trial is a candidate: its fitness, the features of its architecture as parameters, what else is
known as user attributes, results at rungs as intermediate values. The search may be alive; the
journal is replaced as a whole when the command is given again. Optuna and its dashboard are the
extra `dashboard` of this package.
"""

from collections.abc import Sequence
import os

from data_prep.common import cli
from data_prep.common import next_command
from official.reports import facts
from official.reports import optuna_journal
from official.runs import extensions

extensions.define_flag()


def main(arguments: Sequence[str]) -> int:
  if len(arguments) != 2:
    raise cli.UserError(
      f"name the folder of a search and the file to write, RUN study.log; {len(arguments)} "
      "arguments are given"
    )
  folder, output = map(cli.resolve_path, arguments)
  if os.path.isfile(output) and not optuna_journal.is_journal(output):
    raise cli.UserError(f"{output} is there already and is no journal; name another file")
  run = facts.read(folder)
  count = optuna_journal.write(run, output)
  for note in run.notes:
    print(f"left out: {cli.printable(note)}")
  print(f"wrote {output}: {count} trials", flush=True)
  next_command.tell([next_command.command("optuna-dashboard", output)])
  return 0


if __name__ == "__main__":
  cli.run(main, positional=True)
