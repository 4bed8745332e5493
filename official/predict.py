"""Says what is in videos, by an exported network, without a server.

  python -m official.predict --saved_model=RUN/export/1 --output=answers.csv VIDEO_OR_FOLDER ...

A video is taken at the frame rate that the network was trained at, as windows of as many frames as
it takes, side by side from beginning to end; their probabilities are averaged, or with --per_window
written one by one. The CSV has a row a video (or window): path, start and end in seconds, class,
score, error, and the probability of every class. A file that cannot be read has its reason in the
column error, and stops nothing.
"""

from collections.abc import Sequence
import os
import sys

from absl import flags

from data_prep import cli
from data_prep import files

FLAGS = flags.FLAGS

flags.DEFINE_string("saved_model", None, "Folder of one exported version, such as RUN/export/1.")
flags.DEFINE_string("output", None, "CSV to write.")
flags.DEFINE_bool("per_window", False, "Writes a row for every window of a video.")


def main(arguments: Sequence[str]) -> int:
  for name in ("saved_model", "output"):
    if not FLAGS[name].value:
      raise cli.UserError(f"--{name} is missing ({FLAGS[name].help})")
  output = cli.resolve_path(FLAGS.output)
  if not files.is_url(output) and not os.path.isdir(os.path.dirname(output)):
    raise cli.UserError(f"--output={FLAGS.output}: there is no folder {os.path.dirname(output)}")
  from official.serving import prediction
  from official.serving import saved_model
  from official.serving import windows

  version = saved_model.Version(cli.plain_path("saved_model", FLAGS.saved_model))
  videos = windows.videos_of(arguments)
  print(f"loading {version.path}", file=sys.stderr, flush=True)
  predictor = prediction.Predictor(version)
  found, failed = [], 0
  for number, video in enumerate(videos, start=1):
    parts = predictor(video)
    found += parts if FLAGS.per_window else [prediction.of_whole(parts)]
    failed += bool(parts[0].error)
    end = f": {parts[0].error}" if parts[0].error else ""
    print(f"[{number}/{len(videos)}] {video}{end}", file=sys.stderr, flush=True)
  try:
    files.write_bytes(output, prediction.to_csv(found, version.classes))
  except OSError as error:
    raise cli.UserError(f"--output={FLAGS.output} cannot be written: {error}") from error
  if failed:
    print(f"{failed} of {len(videos)} videos could not be read: {output} says why", file=sys.stderr)
  return 1 if failed == len(videos) else 0


if __name__ == "__main__":
  cli.run(main, positional=True)
