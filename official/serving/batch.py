"""Predictions for many videos, one after the other, including unreadable ones.

A video that cannot be read, for whatever reason, is a row with that reason, and the next one is
asked about. Decoders are C code that is fed with files of any origin: what asks lives in a child
process, so that a crash costs one video, too. Rows are written as they come (answers.py), and the
same command resumes.

Exit statuses: 0 if there is an answer for some video, now or from before; 1 if there is none for
any; 2 if a flag or an argument is wrong, or the run cannot go on, in one line; 130 after Ctrl-C.
"""

from collections.abc import Callable, Sequence
import dataclasses
import sys
from typing import Any

from absl import flags

from data_prep.common import cli
from data_prep.common import listing
from data_prep.dataset import clip_examples
from data_prep.dataset import isolation
from data_prep.dataset import mask_files
from data_prep.dataset import metadata
from data_prep.dataset import rows
from official.serving import answers
from official.serving import prediction
from official.serving import windows

# (path, start, end) -> what is said of each window of the video.
Ask = Callable[[str, float | None, float | None], list[prediction.Prediction]]


def define_flags(output_help: str) -> None:
  """Defines the flags that programs which ask about videos have in common."""
  flags.DEFINE_string("output", None, output_help)
  flags.DEFINE_bool(
    "overwrite", False, "Lose what --output holds. Without it, the run resumes what is there."
  )
  flags.DEFINE_bool("retry_errors", False, "Ask again about the videos that have an error.")
  flags.DEFINE_string(
    "manifest",
    None,
    "CSV with the columns path,label,split, as for data_prep.extract: adds label, split and "
    "verdict to every row, and prints the accuracy at the end. Without videos on the command "
    "line, its clips are asked about.",
  )
  flags.DEFINE_enum("split", None, metadata.SPLITS, "Ask about this split of --manifest only.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Batch:
  """The questions, the network that answers them, and the destination of the answers.

  Attributes:
    questions: One for each row, or group of rows.
    form: What rows hold.
    make: Called with `arguments` in a process of its own; returns what asks. It raises UserError
      where it cannot, and what it returns raises UserError where it is no use to go on.
    arguments: Plain data.
    notes: Lines that are said at the beginning.
    greeting: Is said before the first question.
    show: Called with the path of a video and what was said of its windows, before its row is
      written.
  """

  questions: Sequence[answers.Question]
  form: answers.Format
  make: Callable[..., Ask]
  arguments: tuple
  notes: Sequence[str] = ()
  greeting: str = ""
  show: Callable[[str, Sequence[prediction.Prediction]], None] = lambda path, parts: None


def say(line: str) -> None:
  """Prints a line on stderr."""
  print(line, file=sys.stderr, flush=True)


def questions(
  arguments: Sequence[str],
  *,
  manifest: str | None = None,
  split: str | None = None,
  masks: bool = False,
  tell: Callable[[str], None] = lambda line: None,
) -> list[answers.Question]:
  """Returns what is asked about, each clip once.

  Args:
    arguments: Videos and folders; none for all clips of the manifest.
    manifest: CSV that says what is right, or None.
    split: The only split of it that is asked about; None for all.
    masks: Whether the manifest's masks are taken, where it has any.
    tell: Called with a line about what was skipped in folders.

  Raises:
    UserError: There is no video, the manifest is wrong, or a split is given without it.
  """
  if not manifest:
    if split:
      raise cli.UserError("--split needs --manifest, which says what is in it")
    return [_unlabelled(path) for path in windows.videos_of(arguments, tell)]
  clips_of, path = {}, cli.resolve_path(manifest)
  masks = masks and mask_files.column_of(path)
  streams = {mask_files.NAME: mask_files.COLUMN} if masks else {}
  listed = sorted(rows.read(path, streams), key=lambda row: row.number)
  for row in listed:
    clips_of.setdefault(listing.identity(row.location), []).append(row)
  if arguments:
    found = []
    for path in windows.videos_of(arguments, tell):
      found += [_of_row(row) for row in clips_of.get(listing.identity(path), ())] or [
        _unlabelled(path)
      ]
  else:
    found = [_of_row(row) for row in listed]
  found = [one for one in found if split in (None, one.split)]
  if not found:
    raise cli.UserError(f"--manifest={manifest} has no clip of these in --split={split}")
  return list(dict.fromkeys(found))


def run(
  batch: Batch,
  output: str | None,
  *,
  overwrite: bool = False,
  retry_errors: bool = False,
  manifest: str | None = None,
) -> int:
  """Asks all questions that the file does not answer yet; returns the exit status.

  Args:
    batch: The questions.
    output: CSV to write; None for none.
    overwrite: Loses what it holds.
    retry_errors: Asks again about the videos that have an error.
    manifest: Where the questions come from.

  Raises:
    UserError: The file is of another run, or the run cannot go on.
  """
  path = cli.resolve_path(output) if output else None
  if path:
    _check_apart(path, [one.path for one in batch.questions], manifest)
  with answers.AnswerFile(path, batch.form, overwrite=overwrite, retry_errors=retry_errors) as file:
    status = _ask_all(batch, file)
    if batch.form.with_labels and status != cli.INTERRUPTED:
      labels = {one.id: one.labels for one in batch.questions}
      for line in batch.form.marks(file.rows(), labels):
        print(line, flush=True)
  return status


def _ask_all(batch: Batch, file: answers.AnswerFile) -> int:
  """Asks, and reports the outcome; returns the exit status."""
  kept = _kept(batch.questions, file)
  for note in batch.notes:
    say(note)
  todo = [one for one in batch.questions if one.id not in kept]
  total, failed = len(batch.questions), sum(bool(error) for _, error in kept.values())
  if kept:
    say(f"{len(kept)} of {total} videos are in {file.path} already")
  if todo and batch.greeting:
    say(batch.greeting)
  done = len(kept)
  asker = isolation.Child(_begin, (batch.make, batch.arguments))
  try:
    for question in todo:
      parts = _asked(asker, question)
      batch.show(question.path, parts)
      file.write(question, parts)
      done, failed = done + 1, failed + bool(parts[0].error)
      say(f"[{done}/{total}] {cli.printable(question.path)}: {_told(question, parts, batch.form)}")
  except KeyboardInterrupt:
    resumes = "; the same command resumes" if file.path else ""
    say(f"interrupted after {done} of {total} videos{resumes}")
    return cli.INTERRUPTED
  except cli.UserError as error:
    raise cli.UserError(f"{error} ({done} of {total} videos were asked about)") from error
  finally:
    asker.close()
  where = f": {file.path}" if file.path else ""
  say(f"answered {total - failed} of {total} videos{where}")
  if failed:
    why = f"{file.path} says why, and --retry_errors asks again" if file.path else "see above"
    say(f"{failed} of {total} videos could not be read: {why}")
  return 1 if failed == total else 0


def _kept(
  asked: Sequence[answers.Question], file: answers.AnswerFile
) -> dict[str, tuple[str, str]]:
  """Returns label and error, by id, of the questions that are in the file already."""
  kept = {one.id: file.kept[one.id] for one in asked if one.id in file.kept}
  for one in asked:
    if one.id in kept and kept[one.id][0] != ";".join(one.labels):
      raise cli.UserError(
        f"--output={file.path} says {kept[one.id][0]!r} of {cli.printable(one.id)}, and --manifest "
        f"{';'.join(one.labels)!r}; give another --output, or --overwrite to lose what is there"
      )
  return kept


def _check_apart(output: str, videos: Sequence[str], manifest: str | None) -> None:
  """Raises UserError if the answers would overwrite an input."""
  read = {*videos, cli.resolve_path(manifest or "")}
  if listing.identity(output) in map(listing.identity, read):
    raise cli.UserError(f"--output={output} is what is read; name another file")


def _unlabelled(path: str) -> answers.Question:
  return answers.Question(id=answers.written(path), path=path)


def _of_row(row: rows.Row) -> answers.Question:
  return answers.Question(
    id=row.clip_id,
    path=row.location,
    start=row.start,
    end=row.end,
    labels=row.labels,
    split=row.split,
    masks=row.stream_locations.get(mask_files.NAME, ""),
  )


def _told(
  question: answers.Question, parts: Sequence[prediction.Prediction], form: answers.Format
) -> str:
  """Returns what a console says of a video."""
  whole = prediction.of_whole(parts)
  if whole.error:
    return whole.error
  text = form.served.told(whole.probabilities, whole.classes or form.classes, question.labels)
  if whole.padded:
    text += f", padded by {whole.padded} frame{'s' * (whole.padded > 1)}"
  if whole.notes:
    text += f" (note: {'; '.join(whole.notes)})"
  return text


def _asked(asker: isolation.Child, question: answers.Question) -> list[prediction.Prediction]:
  """Returns what was said of a video's windows, or why nothing can be.

  Raises:
    UserError: There is no use in going on.
  """
  try:
    parts, fatal = asker.call(_ask, (question.path, question.start, question.end))
  except clip_examples.ClipError as error:
    return [prediction.Prediction(path=question.path, error=str(error))]
  if fatal:
    raise cli.UserError(fatal)
  return parts


# In the child.

_make: Callable[[], Ask] | None = None
_asking: Ask | None = None


def _begin(make: Callable[..., Ask], arguments: tuple[Any, ...]) -> None:
  global _make
  _make = lambda: make(*arguments)  # noqa: E731


def _ask(
  asked: tuple[str, float | None, float | None],
) -> tuple[list[prediction.Prediction], str]:
  """Returns what was said, and nothing; or nothing, and why there is no use in going on."""
  global _asking
  try:
    _asking = _asking or _make()
  except Exception as error:
    return [], str(error)
  try:
    return _asking(*asked), ""
  except cli.UserError as error:
    return [], str(error)
  except Exception as error:
    return [prediction.Prediction(path=asked[0], error=prediction.reason(error))], ""
