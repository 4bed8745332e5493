"""Weights are refused where they mean something else now."""

import pytest

from data_prep.common import cli
from official.architecture import network_version


def test_weights_of_today_are_let_pass():
  network_version.check(network_version.CURRENT, "runs/a", "train it again")


@pytest.mark.parametrize("recorded, version", [(None, 1), (1, 1), (network_version.CURRENT + 1, 3)])
def test_weights_of_another_version_are_refused_with_a_remedy(recorded, version):
  with pytest.raises(cli.UserError) as error:
    network_version.check(recorded, "runs/a", "train it again")
  assert str(error.value) == (
    f"runs/a has weights of network version {version}, and this program computes version 2, in "
    "which they mean something else; train it again"
  )
