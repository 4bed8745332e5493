"""A search on fake trainings as a program, to be killed: `fake_search.py DIRECTORY WORKERS`."""

import sys

import search_fakes

from official.runs import console
from official.runs import executors
from official.search import application

if __name__ == "__main__":
  sys.exit(
    application.run(
      model_dir=sys.argv[1],
      space=search_fakes.small_space(),
      settings=search_fakes.settings(workers=int(sys.argv[2])),
      clip=search_fakes.CLIP,
      executor=lambda: executors.make(
        "local", workers=int(sys.argv[2]), threads=1, preload=search_fakes.PRELOAD
      ),
      trainings=lambda: application.Trainings(
        candidate=search_fakes.Training(seconds_a_step=0.02),
        final=search_fakes.final,
        joining=search_fakes.joining,
      ),
      identity={},
      operation={},
      final_settings={"final_steps": 20},
      console=console.Console(heartbeat=1),
    )
  )
