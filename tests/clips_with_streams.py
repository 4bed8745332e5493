"""Small videos with streams from files of their own."""

from collections.abc import Mapping, Sequence
import pathlib

import av
import numpy as np

from data_prep.dataset import clip_examples
from data_prep.dataset import stream_inputs
from data_prep.job import preparation


def write_video(path: pathlib.Path, frames: np.ndarray, fps: int = 10) -> None:
  """Writes frames, uint8 [time, height, width, 3], without loss."""
  with av.open(str(path), "w") as container:
    stream = container.add_stream("ffv1", rate=fps)
    stream.height, stream.width = frames.shape[1:3]
    stream.pix_fmt = "bgr0"
    for frame in frames:
      container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
    container.mux(stream.encode())


def prepare(
  folder: pathlib.Path,
  given: Sequence[str],
  clips: Sequence[tuple[str, str, np.ndarray, Mapping[str, np.ndarray]]],
  **settings,
) -> str:
  """Returns the folder of a dataset of clips: (label, split, frames, values of each stream)."""
  inputs = stream_inputs.parse_all(given)
  lines = ["path,label,split," + ",".join(one.column for one in inputs)]
  for index, (label, split, frames, values) in enumerate(clips):
    write_video(folder / f"{index}.mkv", frames)
    for one in inputs:
      np.save(folder / f"{one.name}{index}.npy", values[one.name])
    named = ",".join(f"{one.name}{index}.npy" for one in inputs)
    lines.append(f"{index}.mkv,{label},{split},{named}")
  (folder / "m.csv").write_text("\n".join(lines) + "\n")
  preparation.prepare(
    str(folder / "m.csv"),
    str(folder / "data"),
    clip_examples.Settings(fps=10, inputs=inputs, **settings),
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  return str(folder / "data")
