"""A dataset that cannot be used is refused in one line."""

import dataclasses

import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.inputs import usable


def test_flow_that_can_be_computed_is_offered():
  with pytest.raises(
    cli.UserError,
    match="the network reads the stream flow, and the dataset has "
    "rgb; give `flow`=in_graph, which computes it from the frames",
  ):
    usable.check_streams(["rgb"], ["flow", "rgb"])


def test_a_network_of_fewer_streams_than_there_are_is_welcome():
  usable.check_streams(["flow", "rgb"], ["rgb"])


def test_a_split_whose_clips_all_failed_points_at_the_failures(two_stream):
  info = dataclasses.replace(metadata.load(two_stream), failures=3)
  usable.check(info, "D", ["train", "validation"])
  with pytest.raises(
    cli.UserError,
    match=r"D has no usable test clips \(D/failures.jsonl tells of "
    r"3 that could not be used\); give some rows of the manifest split=test and",
  ):
    usable.check(info, "D", ["train", "test"])
