"""The CSV of answers: one row per video or per window, written as they are produced.

    path                    the video; `file://` and percent escapes where its name is not UTF-8
    start, end              seconds of the video that the answer is about
    class, score            the best class, or what else the task of the network answers
    error                   why there is no answer; the columns before and after it are empty then
    padded                  frames that repeat the last one, as the video is shorter than a window
    windows                 windows that the video was cut into, whose probabilities were averaged
    window                  which of them this is, from 1; with a row for each window only
    notes                   what is odd about the video's frames, and was dealt with
    model                   what answered: a digest of the SavedModel, or a server and its model
    clip_id, label, split   of the manifest's row; with a manifest only
    verdict                 right where the best class is one of the labels, else wrong; likewise
    probability of ...      of every class, where they are all known

Rows reach the file with every video, so that a run that is killed loses none. The next run of the
same command keeps them: it cuts off a row that was written in part, and the rows of a video that
lacks some of its windows. A file that another model wrote, or other flags, is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import csv
import dataclasses
import fcntl
import io
import os
from typing import IO
import urllib.parse

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import rows
from official.serving import prediction
from official.tasks import answering
from official.tasks import registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
  """A video to be asked about.

  Attributes:
    id: What its rows are known by: the path as the CSV has it, or the clip id of a manifest.
    path: A local path or a URL.
    start: Seconds into the video where the clip begins; None for its beginning.
    end: Seconds into the video before which it ends; None for its end.
    labels: Right answers; none where they are not known.
    split: Split of the manifest's row.
    masks: True masks of it, as the manifest's column mask has them; empty where there are none.
  """

  id: str
  path: str
  start: float | None = None
  end: float | None = None
  labels: tuple[str, ...] = ()
  split: str = ""
  masks: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Format:
  """The contents of the rows.

  Attributes:
    model: What answers.
    served: How its task is served; default: as classification.
    classes: Names in the order of the probabilities; none where each prediction brings its own.
    per_window: Whether there is a row for each window.
    with_labels: Whether there are the columns of a manifest.
  """

  model: str
  served: answering.Served = dataclasses.field(default_factory=registry.DEFAULT.served)
  classes: Sequence[str] = ()
  per_window: bool = False
  with_labels: bool = False

  @property
  def columns(self) -> list[str]:
    """The header."""
    columns = ["path", "start", "end", *self.served.columns, "error", "padded", "windows"]
    columns += ["window"] * self.per_window + ["notes", "model"]
    columns += ["clip_id", "label", "split", "verdict"] * self.with_labels
    return columns + self.served.wide_columns(self.classes)

  def marks(
    self, found: Iterable[Mapping[str, str]], labels: Mapping[str, Sequence[str]]
  ) -> list[str]:
    """Returns lines that say how right rows are, given the labels of the ids that count."""
    return self.served.marks(found, labels, self.classes, per_window=self.per_window)

  def lines(self, question: Question, parts: Sequence[prediction.Prediction]) -> str:
    """Returns the rows of a video, given what was said of its windows."""
    shown = parts if self.per_window else [prediction.of_whole(parts)]
    count = 0 if parts[0].error else len(parts)
    return "".join(
      rows.csv_line(self._row(question, part, number, count))
      for number, part in enumerate(shown, start=1)
    )

  def _row(
    self, question: Question, part: prediction.Prediction, number: int, count: int
  ) -> list[str]:
    value = dict.fromkeys(self.columns, "")
    value |= {"path": written(question.path), "error": part.error, "model": self.model}
    if not part.error:
      value |= {
        "start": f"{part.start:.3f}",
        "end": f"{part.end:.3f}",
        "padded": f"{part.padded}",
        "windows": f"{count}",
        "notes": "; ".join(part.notes),
      }
      value |= self.served.row(part.probabilities, part.classes or self.classes, self.classes)
    if self.per_window:
      value["window"] = "" if part.error else f"{number}"
    if self.with_labels:
      value |= {
        "clip_id": question.id,
        "label": ";".join(question.labels),
        "split": question.split,
        "verdict": self.served.verdict(value, question.labels),
      }
    return [value[name] for name in self.columns]


def written(path: str) -> str:
  """Returns a path as the CSV has it: as it is, or a file URL where it is not UTF-8."""
  try:
    path.encode()
  except UnicodeEncodeError:
    return "file://" + urllib.parse.quote(os.fsencode(path))
  return path


def check_folder(path: str) -> None:
  """Raises UserError unless the folder of the CSV exists."""
  folder = os.path.dirname(path)
  if not files.is_url(path) and not os.path.isdir(folder):
    raise cli.UserError(f"`output`={path}: there is no folder {folder}")


class AnswerFile(contextlib.AbstractContextManager):
  """A CSV that grows by the rows of one video at a time.

  Behind a URL nothing can be appended: there it is written when the block ends, however it ends.
  Without a path it is kept in memory.

  Attributes:
    kept: By id, label and error of the videos whose rows were there before.
  """

  def __init__(
    self, path: str | None, form: Format, *, overwrite: bool = False, retry_errors: bool = False
  ):
    """Opens a file and reads what is in it, which stays as it is until the first row is written.

    Args:
      path: A local path or a URL; None for neither.
      form: What is written.
      overwrite: Loses what is there.
      retry_errors: Drops the rows that have an error.

    Raises:
      UserError: It cannot be written, another program writes it, or it holds something else.
    """
    if path is not None:
      check_folder(path)
    self.path, self._form = path, form
    self._file: IO[bytes] | None = None
    self._made, self._begun = False, False
    try:
      self._old = self._open()
    except OSError as error:
      raise self._unwritable(error) from error
    self._text, self.kept = rows.csv_line(form.columns), {}
    if not overwrite and self._old:
      try:
        self._keep(retry_errors)
      except cli.UserError:
        self._close()
        raise

  def write(self, question: Question, parts: Sequence[prediction.Prediction]) -> None:
    """Adds the rows of a video; raises UserError where that cannot be done."""
    self._add(self._form.lines(question, parts))

  def rows(self) -> Iterator[dict[str, str]]:
    """Yields the rows so far, by column."""
    self._add("")
    if self._file is None:
      yield from csv.DictReader(io.StringIO(self._text, newline=""))
      return
    with open(self.path, encoding="utf-8-sig", newline="") as file:
      yield from csv.DictReader(file)

  def __exit__(self, *error) -> None:
    try:
      if self._file is None and self.path is not None and self._begun:
        files.write_bytes(self.path, self._text.encode())
    except OSError as error:
      raise self._unwritable(error) from error
    finally:
      self._close()

  def _open(self) -> bytes:
    """Locks the file, which is made where it is not there, and returns its content."""
    if self.path is None:
      return b""
    if files.is_url(self.path):
      return files.read_bytes(self.path) if files.exists(self.path) else b""
    self._made = not os.path.lexists(self.path)
    if not self._made and not os.path.isfile(self.path) and not os.path.isdir(self.path):
      raise cli.UserError(
        f"`output`={self.path} is a pipe, a device or a link that leads nowhere; name a file"
      )
    self._file = open(self.path, "a+b", buffering=0)
    try:
      fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      self._file.close()
      raise cli.UserError(
        f"`output`={self.path} is being written by another run; wait for it, or stop it"
      ) from error
    except OSError:
      pass  # A file system without locks.
    self._file.seek(0)
    return self._file.read()

  def _close(self) -> None:
    if self._file is not None:
      self._file.close()
      if self._made and not os.path.getsize(self.path):
        os.unlink(self.path)

  def _add(self, text: str) -> None:
    try:
      if self._file is None:
        self._text += text
      else:
        if not self._begun:
          self._begin(self._text.encode())
        data = text.encode()
        while data:
          data = data[self._file.write(data) :]
    except OSError as error:
      raise self._unwritable(error) from error
    self._begun = True

  def _begin(self, kept: bytes) -> None:
    """Removes everything from the file except the rows to keep."""
    if not self._old:
      self._file.write(kept)
    elif self._old.startswith(kept):
      self._file.truncate(len(kept))
    else:
      files.write_bytes(self.path, kept)
      self._file.close()
      self._open()
    self._old = b""

  def _keep(self, retry_errors: bool) -> None:
    """Takes over the rows of the file that are whole."""
    header, *records = _records(self._old) or [""]
    columns = self._form.columns
    if not header and self._text.encode().startswith(self._old):
      return  # A header that was written in part.
    try:
      found = next(csv.reader([header], strict=True), [])
      values = [next(csv.reader([record], strict=True)) for record in records if record.strip()]
    except csv.Error as error:
      raise self._foreign(f"is not a CSV of this program ({error})") from error
    if found != columns:
      raise self._foreign(_difference(found, columns, self._form.served))
    by_id: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for record, fields in zip(filter(str.strip, records), values):
      if len(fields) != len(columns):
        raise self._foreign(f"has a damaged row ({cli.printable(record[:60].strip())})")
      value = dict(zip(columns, fields))
      if value["model"] != self._form.model:
        raise self._foreign(f"was answered by {value['model']}, and this is {self._form.model}")
      by_id.setdefault(value.get("clip_id", value["path"]), []).append((record, value))
    for name, members in by_id.items():
      first = members[0][1]
      whole = first["error"] or not self._form.per_window or f"{len(members)}" == first["windows"]
      if whole and not (first["error"] and retry_errors):
        self._text += "".join(record for record, _ in members)
        self.kept[name] = (first.get("label", ""), first["error"])

  def _foreign(self, what: str) -> cli.UserError:
    return cli.UserError(
      f"`output`={self.path} {what}; give another `output`, or `overwrite` to lose what is there"
    )

  def _unwritable(self, error: OSError) -> cli.UserError:
    return cli.UserError(f"`output`={self.path} cannot be written: {error.strerror or error}")


def _records(content: bytes) -> list[str]:
  """Returns the complete lines of a CSV; a line break in quotes does not end a line."""
  text = content[: content.rfind(b"\n") + 1].decode("utf-8-sig", "replace")
  found, pending, quoted = [], [], False
  for line in io.StringIO(text, newline="\n"):
    pending.append(line)
    quoted ^= line.count('"') % 2 == 1
    if not quoted:
      found.append("".join(pending))
      pending = []
  return found


def _difference(found: Sequence[str], columns: Sequence[str], served: answering.Served) -> str:
  """Returns how a header differs from that of this command."""
  others, wanted = (
    {name for name in header if not name.startswith(served.wide_prefix)}
    for header in (found, columns)
  )
  if others == wanted:
    return "was answered by a model of other classes"
  if {"path", *served.columns} <= others:
    lacking, more = sorted(wanted - others), sorted(others - wanted)
    what = [f"without the columns {', '.join(lacking)}"] * bool(lacking)
    what += [f"with the columns {', '.join(more)}"] * bool(more)
    return f"was written with other flags, {' and '.join(what)}"
  return "holds something else than answers"
