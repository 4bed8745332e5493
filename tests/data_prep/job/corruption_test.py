"""Damaged files, many of them, through the whole job."""

from collections.abc import Callable
import json
import random

import pytest

from data_prep.dataset import clip_examples
from data_prep.job import preparation

FILES = 500


def truncated(content, other, rng):
  del other
  return content[: rng.randrange(len(content))]


def with_flipped_bytes(content, other, rng):
  del other
  damaged = bytearray(content)
  for _ in range(rng.choice([1, 10, 100, 400])):
    damaged[rng.randrange(len(damaged))] = rng.randrange(256)
  return bytes(damaged)


def with_the_header_of_another(content, other, rng):
  length = rng.randrange(8, 2048)
  return other[:length] + content[length:]


DAMAGES: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
  truncated,
  with_flipped_bytes,
  with_the_header_of_another,
)


@pytest.mark.slow
def test_500_damaged_files_are_prepared_or_told_and_the_whole_ones_are_prepared(
  shared_data, tmp_path
):
  rng = random.Random(0)
  whole = sorted((shared_data / "decoder_cases").iterdir())
  sources = [
    *whole,
    *(
      shared_data / "ut_interaction" / "set1" / name
      for name in ("0_1_4.avi", "10_2_1.avi", "12_3_4.avi")
    ),
  ]
  contents = [path.read_bytes() for path in sources]
  lines = ["path,label,split", *(f"{path},whole,validation" for path in whole)]
  for index in range(FILES):
    chosen, other = rng.randrange(len(sources)), rng.choice(contents)
    name = f"{index:03d}{sources[chosen].suffix}"
    (tmp_path / name).write_bytes(DAMAGES[index % 3](contents[chosen], other, rng))
    lines.append(f"{name},damaged,train")
  (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
  info = preparation.prepare(
    str(tmp_path / "m.csv"),
    str(tmp_path / "data"),
    clip_examples.Settings(fps=15, short_side=16),
    operation=preparation.Operation(
      max_failure_rate=1.0, clip_timeout=60.0, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  failures = [json.loads(line) for line in (tmp_path / "data/failures.jsonl").open()]
  told = {failure["id"] for failure in failures}
  assert info.splits["train"].clips + info.splits["validation"].clips + len(told) == FILES + 6
  assert info.splits["train"].clips > 50
  assert told.isdisjoint(map(str, whole))
  assert {failure["stage"] for failure in failures} == {"decode", "flow"}
