"""A search on fake trainings as a program, to be killed: `fake_search.py DIRECTORY WORKERS`.

With a third argument, the value of --objectives, the front is trained to the end.
"""

import sys

import search_fakes

from official.runs import console
from official.runs import executors
from official.search import application

if __name__ == "__main__":
  objectives = sys.argv[3] if len(sys.argv) > 3 else None
  several = {"objectives": objectives, "final": "front", "top_k": 2} if objectives else {}
  sys.exit(
    application.run(
      model_dir=sys.argv[1],
      space=search_fakes.small_space(),
      settings=search_fakes.settings(workers=int(sys.argv[2]), **several),
      clip=search_fakes.CLIP,
      executor=lambda: executors.make(
        "local", workers=int(sys.argv[2]), threads=1, preload=search_fakes.PRELOAD
      ),
      trainings=lambda: application.Trainings(
        candidate=search_fakes.trained_with_costs
        if objectives
        else search_fakes.Training(seconds_a_step=0.02),
        final=search_fakes.final_of_front if objectives else search_fakes.final,
        joining=search_fakes.joining_of_front if objectives else search_fakes.joining,
      ),
      identity={},
      operation={},
      final_settings={"final_steps": 20},
      console=console.Console(heartbeat=1),
    )
  )
