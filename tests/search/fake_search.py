"""A search on fake trainings as a program, to be killed: `fake_search.py DIRECTORY WORKERS`."""

import sys

import search_fakes

from official.search import application
from official.search import console

if __name__ == "__main__":
  sys.exit(application.run(
      model_dir=sys.argv[1], space=search_fakes.small_space(),
      settings=search_fakes.settings(workers=int(sys.argv[2])), clip=search_fakes.CLIP,
      executor="local", threads=1, identity={}, final_settings={"final_steps": 20},
      trainings=lambda: (search_fakes.Training(seconds_a_step=0.02), search_fakes.final),
      preload=search_fakes.PRELOAD, console=console.Console(heartbeat=1)))
