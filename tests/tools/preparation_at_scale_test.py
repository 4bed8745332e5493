"""The costs of a large dataset, from those of a clip."""

from fractions import Fraction

import pytest

from data_prep.common import cli
from tests.tools import loaded_mains

preparation_at_scale = loaded_mains.load("tools.benchmarks.preparation_at_scale")

CLIP = preparation_at_scale.Clip(
  source_bytes=1e6, frames=100, reading=0.4, whole=3.6, record_bytes=2e6, frame_bytes=1e6
)


def test_a_thousand_clips_cost_a_thousand_times_as_much():
  scale = preparation_at_scale.scaled(CLIP, total=1000, slots=10, files=50)
  assert scale.core_hours == pytest.approx(1.0)
  assert (scale.read_tb, scale.written_tb) == pytest.approx((0.001, 0.002))
  assert scale.clips_in_file == 20
  assert scale.hours_of_file == pytest.approx(0.02)


def test_the_last_file_is_waited_for():
  scale = preparation_at_scale.scaled(CLIP, total=1000, slots=10, files=50)
  assert scale.hours == pytest.approx(0.1 + 0.02)


def test_a_source_is_a_size_and_a_frame_rate():
  assert preparation_at_scale.source("340x256@29.97") == (340, 256, Fraction("29.97"))


@pytest.mark.parametrize("text", ["340x256", "341x256@25", "340x256@0", "large"])
def test_another_source_is_refused(text):
  with pytest.raises(cli.UserError, match="is not WIDTHxHEIGHT@FPS"):
    preparation_at_scale.source(text)
