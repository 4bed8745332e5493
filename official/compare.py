"""Compares runs: best fitness, test metrics, cost, flags that differ, shared architectures.

  python -m official.compare RUN RUN ... [--output=compare.html]

RUN is the folder of official.evolve or official.train. Runs that differ in their seed alone are a
group, with means and ranges, and bands in the curves. --output also writes a page, with the curves
over finished candidates and over hours, and the networks of the winners; like a report, it needs
no network and no other file. Runs may be going on, and nothing in them changes.
"""

from collections.abc import Sequence

from absl import flags

from data_prep.common import cli
from data_prep.common import files
from official.reports import comparison
from official.reports import comparison_page
from official.runs import extensions

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "HTML file to write, besides the table that is printed.")
extensions.define_flag()


def main(arguments: Sequence[str]) -> int:
  folders = [cli.resolve_path(argument) for argument in arguments]
  if len(folders) < 2:
    raise cli.UserError(
      "name at least two folders of runs: python -m official.compare RUN RUN [--output=FILE]"
    )
  if len(set(folders)) < len(folders):
    raise cli.UserError("a run is named twice; name every run once")
  compared = comparison.read(folders)
  print(comparison_page.text(compared))
  if FLAGS.output:
    output = cli.resolve_path(FLAGS.output)
    try:
      files.write_bytes(output, comparison_page.html(compared, output).encode("utf-8", "replace"))
    except OSError as error:
      raise cli.UserError(
        f"--output={FLAGS.output} cannot be written: {error.strerror or error}"
      ) from error
    print(f"wrote {output}; open it in a browser")
  return 0


if __name__ == "__main__":
  cli.run(main, positional=True)
