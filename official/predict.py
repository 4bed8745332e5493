"""Predicts what an exported network says of videos, or makes of them, without a server.

  python -m official.predict --saved_model=RUN/export/1 --output=answers.csv VIDEO_OR_FOLDER ...

A video is taken at the frame rate that the network was trained at, as windows of as many frames as
it takes, side by side from beginning to end; their probabilities are averaged, or with --per_window
written one by one. The CSV has a row for each video (or window): path, start and end in seconds,
class, score, error, frames that were padded, windows, model, and the probability of every class.
With --manifest=CSV it also has label, split and verdict, and the accuracy is printed at the end.

A file that cannot be read has its reason in the column error, and stops nothing. Rows are written
as they come: the same command, given again, resumes where it was stopped. An --output of another
network or of other flags is refused, unless --overwrite says that it may be lost.

A network that restores frames takes every frame of a video, of any size and number, in windows that
overlap in space and time. --output is then a folder, with a lossless video for each (--codec=NAME,
or --png) and metrics.csv. With --clean, the videos are made worse first, as in training, and
metrics.csv has the decibels (PSNR) and the structural similarity (SSIM) of answer and input.
--compare=FILE.png draws input, output and truth of the first videos side by side.

A network that tells the class of every pixel takes videos at its frame rate, in such windows, too.
--output is then a folder, with a folder of masks for each (PNG, of the video's size; a value is the
number of a class), --overlay adds videos that show them, and where the manifest has the column
mask, metrics.csv has intersection over union (IoU), mean and by class.

Exit status: 0 if some video has an answer, 1 if none has, 2 if the command is wrong or cannot go
on, 130 after Ctrl-C.
"""

from collections.abc import Sequence

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from official.programs import frame_answers
from official.programs import next_steps
from official.runs import extensions
from official.serving import answers
from official.serving import batch
from official.serving import frame_files
from official.serving import prediction
from official.serving import restoring
from official.serving import saved_model
from official.serving import segmenting
from official.serving import side_by_side

FLAGS = flags.FLAGS

flags.DEFINE_string("saved_model", None, "Folder of one exported version, such as RUN/export/1.")
flags.DEFINE_bool("per_window", False, "Write a row for every window of a video.")
flags.DEFINE_bool(
  "clean",
  False,
  "For networks that return frames: the videos are as good as can be. Make them worse first, as in "
  "training, and compare the answers with them.",
)
flags.DEFINE_string(
  "codec",
  frame_files.LOSSLESS,
  "For networks that return frames or masks: the encoder of the videos that are written.",
)
flags.DEFINE_bool("png", False, "For networks that return frames: write folders of PNGs.")
flags.DEFINE_float(
  "overlap",
  0.5,
  "For networks that return frames or masks: the share of a window that overlaps the next, from 0 "
  "to 0.9. More takes longer and hides the borders of windows better.",
)
flags.DEFINE_string(
  "compare",
  None,
  "For networks that return frames or masks: PNG to write, which shows a frame of each of the "
  f"first {side_by_side.MOST} videos: input, output and, where it is known, the truth.",
)
flags.DEFINE_bool(
  "overlay",
  False,
  "For networks that return masks: also write a video for each, NAME-overlay, that shows the "
  "classes as colours over the frames; class 0 has none.",
)
flags.DEFINE_integer(
  "mask_every",
  1,
  "For networks that return masks: a folder of true masks, named in --manifest, has one for every "
  "so many frames of its video; the others do not count.",
  lower_bound=1,
)
extensions.define_flag()
batch.define_flags("CSV to write; of a network that returns frames or masks, a folder.")

# What only some networks have a use for.
_FOR_FRAMES = ("clean", "png", "codec", "overlap", "compare")
_FOR_MASKS = ("overlay", "mask_every", "codec", "overlap", "compare")


def main(arguments: Sequence[str]) -> int:
  status = _answer(arguments)
  if not status:
    next_command.tell(next_steps.serving(cli.resolve_path(FLAGS.saved_model)))
  return status


def _answer(arguments: Sequence[str]) -> int:
  """Answers in words or with frames; returns the exit status."""
  for name in ("saved_model", "output"):
    if not FLAGS[name].value:
      raise cli.UserError(f"--{name} is missing ({FLAGS[name].help})")
  answers.check_folder(cli.resolve_path(FLAGS.output))
  version = saved_model.Version(cli.plain_path("saved_model", FLAGS.saved_model))
  _refuse_flags(version)
  if version.served.returns_frames or version.served.returns_masks:
    return _frames(version, arguments)
  if not version.served.has_rows:
    raise cli.UserError(
      f"{version.path} returns {version.served.averaged}, and this program writes words, frames or "
      "masks; send it frames, as its model_card.md says"
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
  notes += [f"warning: {warning}" for warning in version.served.unknown(labels, version.labels)]
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


def _frames(version: saved_model.Version, arguments: Sequence[str]) -> int:
  """Writes what a network that answers for every pixel makes of videos; returns the exit status."""
  if FLAGS.png and FLAGS["codec"].present:
    raise cli.UserError(f"--png and --codec={FLAGS.codec} exclude each other; give one")
  masks = version.served.returns_masks
  if masks and FLAGS["codec"].present and not FLAGS.overlay:
    raise cli.UserError("--codec is for the videos of --overlay; masks are PNGs")
  manner: frame_answers.Manner = (
    segmenting.Manner(
      overlap=FLAGS.overlap, overlay=FLAGS.overlay, codec=FLAGS.codec, every=FLAGS.mask_every
    )
    if masks
    else restoring.Manner(
      clean=FLAGS.clean, overlap=FLAGS.overlap, codec=None if FLAGS.png else FLAGS.codec
    )
  )
  questions = batch.questions(
    arguments, manifest=FLAGS.manifest, split=FLAGS.split, masks=masks, tell=batch.say
  )
  return frame_answers.answer(
    version,
    questions,
    cli.resolve_path(FLAGS.output),
    manner,
    overwrite=FLAGS.overwrite,
    picture=FLAGS.compare and cli.resolve_path(FLAGS.compare),
  )


def _refuse_flags(version: saved_model.Version) -> None:
  """Raises UserError where a flag is given that the network has no use for."""
  frames, masks = version.served.returns_frames, version.served.returns_masks
  useful = {*(_FOR_FRAMES if frames else ()), *(_FOR_MASKS if masks else ())}
  answers_in = "frames" if frames else "masks" if masks else "words"
  for name in dict.fromkeys((*_FOR_FRAMES, *_FOR_MASKS)):
    if FLAGS[name].present and name not in useful:
      kinds = [
        kind for kind, names in (("frames", _FOR_FRAMES), ("masks", _FOR_MASKS)) if name in names
      ]
      raise cli.UserError(
        f"--{name} is for networks that return {' or '.join(kinds)}, and {version.path} answers in "
        f"{answers_in}; leave it out"
      )
  for name in ("per_window", "retry_errors"):
    if useful and FLAGS[name].value:
      raise cli.UserError(f"--{name} is for networks that answer in words; leave it out")


if __name__ == "__main__":
  cli.run(main, positional=True)
