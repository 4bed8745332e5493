"""Shows what a search found, in one self-contained HTML page.

  python -m official.report --model_dir=RUN

RUN is the folder of official.evolve or official.train. It may belong to a search that is running,
was killed, or has failed: the page shows what is known by now, and nothing in the run changes. The
page is RUN/report.html unless --output says otherwise; it needs no network and no other file, but
its links lead into RUN.
"""

from absl import flags

from data_prep.common import cli
from official.reports import board_runs
from official.reports import run_report
from official.runs import extensions

FLAGS = flags.FLAGS

flags.DEFINE_string(
  "model_dir", None, "Folder of the run, as given to official.evolve or official.train."
)
flags.DEFINE_string("output", None, "HTML file to write. Default: report.html in --model_dir.")
flags.DEFINE_string(
  "pictures", None, "Folder to which each picture is written, too, as NAME.svg and NAME.png."
)
flags.DEFINE_string(
  "tensorboard",
  None,
  "Folder for TensorBoard that is written or replaced, such as RUN/tensorboard: the best "
  "candidates with features and metrics, those in training, and the final network.",
)
extensions.define_flag()


def main(_) -> int:
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  folder = cli.resolve_path(FLAGS.model_dir)
  output = cli.resolve_path(FLAGS.output) if FLAGS.output else run_report.default_path(folder)
  pictures_dir = FLAGS.pictures and cli.resolve_path(FLAGS.pictures)
  report = run_report.write(folder, output, pictures_dir)
  if FLAGS.tensorboard:
    board_runs.write(report.run, report.sections, cli.resolve_path(FLAGS.tensorboard))
    print(f"wrote {FLAGS.tensorboard}; tensorboard --logdir={FLAGS.tensorboard} shows it")
  for line in report.failures:
    print(f"this section could not be made: {line}")
  print(f"wrote {output}; open it in a browser")
  return 0


if __name__ == "__main__":
  cli.run(main)
