"""official.evolve with fake trainings; complains if the driver has imported TensorFlow."""

import sys

import search_fakes

from data_prep.common import cli
from official import evolve
from official.programs import network_search
from official.search import application


def main(argv):
  network_search._trainings = lambda *_: application.Trainings(
    candidate=search_fakes.quick, final=search_fakes.final, joining=search_fakes.joining
  )
  network_search._PRELOAD = search_fakes.PRELOAD
  status = evolve.main(argv)
  assert "tensorflow" not in sys.modules, "the driver imported TensorFlow"
  return status


if __name__ == "__main__":
  cli.run(main)
