"""Predicts the classes of videos with an exported network, without a server.

  python -m official.predict --saved_model=RUN/export/1 --output=answers.csv VIDEO_OR_FOLDER ...

A video is taken at the frame rate that the network was trained at, as windows of as many frames as
it takes, side by side from beginning to end; their probabilities are averaged, or with --per_window
written one by one. The CSV has a row for each video (or window): path, start and end in seconds,
class, score, error, frames that were padded, windows, model, and the probability of every class.
With --manifest=CSV it also has label, split and verdict, and the accuracy is printed at the end.

A file that cannot be read has its reason in the column error, and stops nothing. Rows are written
as they come: the same command, given again, resumes where it was stopped. An --output of another
network or of other flags is refused, unless --overwrite says that it may be lost.

Exit status: 0 if some video has an answer, 1 if none has, 2 if the command is wrong or cannot go
on, 130 after Ctrl-C.
"""

from collections.abc import Sequence

from absl import flags

from data_prep.common import cli
from official.runs import extensions
from official.serving import answers
from official.serving import batch
from official.serving import prediction
from official.serving import saved_model
from official.tasks import label_marks

FLAGS = flags.FLAGS

flags.DEFINE_string("saved_model", None, "Folder of one exported version, such as RUN/export/1.")
flags.DEFINE_bool("per_window", False, "Write a row for every window of a video.")
extensions.define_flag()
batch.define_flags("CSV to write.")


def main(arguments: Sequence[str]) -> int:
  for name in ("saved_model", "output"):
    if not FLAGS[name].value:
      raise cli.UserError(f"--{name} is missing ({FLAGS[name].help})")
  answers.check_folder(cli.resolve_path(FLAGS.output))
  version = saved_model.Version(cli.plain_path("saved_model", FLAGS.saved_model))
  if version.served.returns_frames:
    raise cli.UserError(
      f"{version.path} returns frames, and this program writes words; send it frames, as "
      "its model_card.md says"
    )
  form = answers.Format(
    model=version.digest,
    served=version.served,
    classes=version.labels,
    per_window=FLAGS.per_window,
    with_labels=bool(FLAGS.manifest),
  )
  notes: list[str] = []
  questions = batch.questions(
    arguments, manifest=FLAGS.manifest, split=FLAGS.split, tell=notes.append
  )
  labels = {question.id: question.labels for question in questions}
  notes += [f"warning: {warning}" for warning in label_marks.unknown(labels, version.labels)]
  asked = batch.Batch(
    questions=questions,
    form=form,
    make=prediction.load,
    arguments=(version.path, version.spec),
    notes=notes,
    greeting=f"loading {version.path}",
  )
  return batch.run(
    asked,
    FLAGS.output,
    overwrite=FLAGS.overwrite,
    retry_errors=FLAGS.retry_errors,
    manifest=FLAGS.manifest,
  )


if __name__ == "__main__":
  cli.run(main, positional=True)
