"""Shows a prepared dataset in one self-contained HTML page.

  python -m data_prep.preview --data_dir=data --output=preview.html

For every class a few clips as strips of frames, with the flow beneath in colours (the hue is the
direction, the saturation the speed); how long clips are, how fast things move and how much of it
--flow_bound clipped; what could not be used, and why. Look at it before you train: a wrong
rotation, a wrong label and a frame rate at which nothing moves are seen at once.
"""

from collections.abc import Sequence
import json
import os

from absl import flags

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import next_command
from data_prep.common import url_files
from data_prep.dataset import first_search
from data_prep.dataset import metadata
from data_prep.dataset import preview_clips
from data_prep.dataset import preview_page

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder made by data_prep.extract.")
_OUTPUT = flags.DEFINE_string("output", None, "HTML file to write.")
_CLIPS_PER_CLASS = flags.DEFINE_integer(
  "clips_per_class", 3, "Clips shown of every class.", lower_bound=1
)
_MORE_CLIPS = flags.DEFINE_integer(
  "more_clips", 6, "Further clips of every class, folded until somebody opens them.", lower_bound=0
)
_MAX_CLIPS = flags.DEFINE_integer(
  "max_clips", 500, "Clips read, from files spread over the dataset.", lower_bound=1
)


def main(arguments: Sequence[str]) -> None:
  """Writes one page."""
  del arguments
  for flag in (_DATA_DIR, _OUTPUT):
    if not flag.value:
      raise cli.UserError(f"--{flag.name} is needed (--help lists the flags)")
  directory, output = cli.resolve_path(_DATA_DIR.value), cli.resolve_path(_OUTPUT.value)
  url_files.check(filter(files.is_url, (directory, output)))
  info = metadata.load(directory)
  path = files.join(directory, metadata.FAILURES_NAME)
  lines = files.read_bytes(path).decode().splitlines() if files.exists(path) else []
  summary = preview_clips.summarize(
    preview_clips.read(directory, info, _MAX_CLIPS.value),
    info,
    _CLIPS_PER_CLASS.value + _MORE_CLIPS.value,
  )
  page = preview_page.render(
    os.path.basename(directory.rstrip("/")),
    info,
    summary,
    [json.loads(line) for line in lines],
    unfolded=_CLIPS_PER_CLASS.value,
  )
  try:
    files.write_bytes(output, page.encode())
  except OSError as error:
    raise cli.UserError(
      f"--output={output} cannot be written: {error.strerror or error}"
    ) from error
  classes = f" of {len(info.classes)} classes" if info.classes else ""
  wrong = len({sign.clip_id for sign in summary.signs})
  odd = f"; {wrong} of them look wrong: see there" if wrong else ""
  print(f"wrote {output}: {len(summary.seconds)} clips read{classes}{odd}", flush=True)
  next_command.tell([first_search.command(directory, info)])


if __name__ == "__main__":
  cli.run(main)
