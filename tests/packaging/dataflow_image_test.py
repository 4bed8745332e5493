"""The image of a Dataflow worker."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def test_the_image_has_the_versions_of_the_lock():
  image = (ROOT / "tools/dataflow/Dockerfile").read_text()
  lock = (ROOT / "requirements.lock").read_text()
  pinned = re.findall(r"([\w-]+==[\w.]+)", image)
  assert len(pinned) == 7
  beam = re.search(r"FROM apache/beam_python3.11_sdk:([\d.]+)", image)[1]
  assert [pin for pin in [*pinned, f"apache-beam=={beam}"] if f"\n{pin} \\" not in lock] == []
