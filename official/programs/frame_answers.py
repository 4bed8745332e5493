"""What a network that returns frames or masks makes of videos: the program behind official.predict.

    OUTPUT/NAME.mkv      the answer to the video NAME, or OUTPUT/NAME/000000.png and so on; masks
                         are always PNGs
    OUTPUT/metrics.csv   path, clip_id, output, frames, height, width, error and model: a row for
                         each video. Before the error, where the truth is known, of frames psnr,
                         input_psnr, psnr_gain, ssim, input_ssim, and of masks mean_iou,
                         pixel_accuracy, and iou_CLASS of each class

A video that cannot be read has its reason in the column error, and stops nothing. It is decoded in
a child process, so that a crash of a decoder costs one video, too.
"""

from collections.abc import Sequence
import dataclasses
import os

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import clip_examples
from data_prep.dataset import isolation
from data_prep.dataset import rows
from official.serving import answers
from official.serving import batch
from official.serving import frame_files
from official.serving import prediction
from official.serving import restoring
from official.serving import saved_model
from official.serving import segmenting
from official.serving import side_by_side

CSV = "metrics.csv"
Manner = restoring.Manner | segmenting.Manner
Made = restoring.Restored | segmenting.Segmented


def answer(
  version: saved_model.Version,
  questions: Sequence[answers.Question],
  output: str,
  manner: Manner,
  *,
  overwrite: bool = False,
  picture: str | None = None,
) -> int:
  """Answers about videos; returns the exit status: 0 if there is an answer to some, 1 if to none.

  Args:
    version: The export.
    questions: The videos.
    output: Folder for what is written; local.
    manner: How it is done; of the kind that the network needs.
    overwrite: Whether the folder may hold something, which is then replaced where names are equal.
    picture: PNG to write, with a frame of each of the first videos (side_by_side.py).

  Raises:
    UserError: The folder holds something or cannot be written, or the network cannot be used.
  """
  _check(output, manner, overwrite)
  if picture and not picture.lower().endswith(".png"):
    raise cli.UserError(f"`compare`={picture} is written as PNG; give a name that ends in .png")
  if manner.codec is not None:
    frame_files.check_codec(manner.codec)
  os.makedirs(output, exist_ok=True)
  batch.say(f"loading {version.path}")
  manner = dataclasses.replace(manner, compare=bool(picture))
  child = isolation.Child(_begin, (version.path, manner))
  made: list[Made] = []
  columns = _columns(version)
  lines, total = [rows.csv_line(columns)], len(questions)
  try:
    for number, (one, name) in enumerate(zip(questions, _names(questions)), start=1):
      found, error = _asked(child, one, os.path.join(output, name))
      if found is not None:
        made.append(found)
      value = _cells(one, found) | {"error": error, "model": version.digest}
      lines.append(rows.csv_line([value.get(name, "") for name in columns]))
      files.write_bytes(os.path.join(output, CSV), "".join(lines).encode())
      told = error if found is None else found.told()
      batch.say(f"[{number}/{total}] {cli.printable(one.path)}: {told}")
  except KeyboardInterrupt:
    batch.say(f"interrupted after {len(lines) - 1} of {total} videos")
    return cli.INTERRUPTED
  finally:
    child.close()
  masks = version.served.returns_masks
  batch.say(f"{'segmented' if masks else 'restored'} {len(made)} of {total} videos: {output}")
  for line in (segmenting if masks else restoring).summary(made):
    batch.say(line)
  _draw(picture, made)
  return 0 if made else 1


def _draw(picture: str | None, made: Sequence[Made]) -> None:
  """Writes the picture, if one is wanted and there is something to be shown."""
  shown = [one.example for one in made if one.example is not None][: side_by_side.MOST]
  if picture and shown:
    os.makedirs(os.path.dirname(picture), exist_ok=True)
    files.write_bytes(picture, side_by_side.picture(shown))
    batch.say(f"{len(shown)} of them side by side: {picture}")


def _columns(version: saved_model.Version) -> list[str]:
  quality = list(restoring.COLUMNS)
  if version.served.returns_masks:
    quality = segmenting.columns(version.labels)
  return ["path", "clip_id", "output", "frames", "height", "width", *quality, "error", "model"]


def _check(output: str, manner: Manner, overwrite: bool) -> None:
  if files.is_url(output):
    raise cli.UserError(f"`output`={output}: answers are written into a local folder; name one")
  if os.path.exists(output) and not os.path.isdir(output):
    raise cli.UserError(
      f"`output`={output} is a file; the network returns frames or masks: name a folder"
    )
  if os.path.isdir(output) and os.listdir(output) and not overwrite:
    raise cli.UserError(
      f"`output`={output} is not empty; give another folder, or `overwrite` to lose what is there"
    )
  if not 0 <= manner.overlap <= 0.9:
    raise cli.UserError(f"`overlap`={manner.overlap:g} is no share from 0 to 0.9 of a window")


def _names(questions: Sequence[answers.Question]) -> list[str]:
  """Returns a name for what is written of each video; equal ones get a number."""
  found: dict[str, None] = {}
  for one in questions:
    stem = os.path.splitext(os.path.basename(one.path))[0] or "video"
    name, number = stem, 2
    while name in found:
      name, number = f"{stem}-{number}", number + 1
    found[name] = None
  return list(found)


def _asked(
  child: isolation.Child, question: answers.Question, target: str
) -> tuple[Made | None, str]:
  """Returns what came of a video, or why nothing did; UserError where it is no use to go on."""
  try:
    found, error, fatal = child.call(_make, (question, target))
  except clip_examples.ClipError as died:
    return None, str(died)
  if fatal:
    raise cli.UserError(fatal)
  return found, error


def _cells(question: answers.Question, found: Made | None) -> dict[str, str]:
  """Returns what a row says of a video and what came of it, by column."""
  value = {"path": answers.written(question.path), "clip_id": question.id}
  if found is not None:
    value |= {"output": answers.written(found.path), "frames": f"{found.frames}"}
    value |= {"height": f"{found.height}", "width": f"{found.width}"} | found.cells()
  return value


# In the child.

_made_of: tuple[str, Manner] | None = None
_maker: restoring.Restorer | segmenting.Segmenter | None = None


def _begin(path: str, manner: Manner) -> None:
  global _made_of
  _made_of = path, manner


def _make(asked: tuple[answers.Question, str]) -> tuple[Made | None, str, str]:
  """Returns what came of a video, why nothing did, and why there is no use in going on."""
  global _maker
  question, target = asked
  part = (question.path, target, question.start, question.end)
  try:
    if _maker is None:
      assert _made_of is not None
      path, manner = _made_of
      if isinstance(manner, segmenting.Manner):
        _maker = segmenting.Segmenter(path, manner)
      else:
        _maker = restoring.Restorer(path, manner)
    if isinstance(_maker, segmenting.Segmenter):
      return _maker(*part, question.masks), "", ""
    return _maker(*part), "", ""
  except cli.UserError as error:
    return None, "", str(error)
  except Exception as error:  # Whatever it is, it costs this video and no other.
    return None, prediction.reason(error), ""
