"""official.evolve with trainings that compute nothing: chains of hashes, a link a step.

Eight of them run on two cores. They stop halfway until there is a file `go` in the folder of the
search, and what comes of one shows whether a step of it was lost.
"""

import search_fakes

from data_prep.common import cli
from official import evolve
from official.programs import network_search
from official.search import application

TRAINING = search_fakes.Training(steps=40, seconds_a_step=0.05, gate_step=20)


def main(argv):
  network_search._trainings = lambda *_: application.Trainings(
    candidate=TRAINING, final=search_fakes.final, joining=search_fakes.joining
  )
  network_search._PRELOAD = search_fakes.PRELOAD
  return evolve.main(argv)


if __name__ == "__main__":
  cli.run(main)
