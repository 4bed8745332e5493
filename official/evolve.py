"""Searches for the best video network for a dataset, trains the winner to the end, and exports it.

  python -m official.evolve --data_dir=DATASET --model_dir=RUN --search_space=small

DATASET is a folder made by data_prep.extract. RUN receives everything: search.json,
candidates/000000/..., final/, and export/1/, which TensorFlow Serving takes as it is. The same
command, given again, resumes where it was stopped or killed. Flags that say "May be changed later",
such as --rounds and --workers, may have other values then; those that decide the outcome may not.
"""

import dataclasses
import json

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from official.architecture import guidance
from official.architecture import space as space_lib
from official.programs import network_search
from official.programs import next_steps
from official.runs import executors
from official.runs import extensions
from official.runs import fitness
from official.search import folds
from official.search import objectives
from official.search import settings as settings_lib
from official.training import config
from official.training import flags as training_flags
from official.training import score_names

FLAGS = flags.FLAGS
_DEFAULTS = settings_lib.SearchSettings  # Its fields' defaults are those of flags.

flags.DEFINE_string(
  "model_dir",
  None,
  "Folder of the run: created, or resumed if it holds one. All of the search is recorded in it.",
)

extensions.define_flag()

flags.DEFINE_bool(
  "dry_run",
  False,
  "Starts no search and leaves --model_dir alone: trains a few candidates for a few steps, and "
  "prints their size, their memory, the seconds per step, the hours that the search would take and "
  "the batch size that fits.",
)
flags.DEFINE_string(
  "search_space",
  "small",
  "The architectures that may be drawn: small (for a laptop), restoration and segmentation (for "
  "those tasks, on a laptop), paper (AssembleNet), patent, or a "
  "JSON file.",
)
flags.DEFINE_enum(
  "print_search_space",
  None,
  space_lib.names(),
  "Prints this space as JSON, for you to edit and give to --search_space, and does nothing else.",
)
flags.DEFINE_enum(
  "algorithm",
  _DEFAULTS.algorithm,
  settings_lib.ALGORITHMS,
  "How candidates are proposed: by evolution, which mutates good ones; or by random_search, the "
  "baseline, which draws every one at random.",
)
flags.DEFINE_integer(
  "population_size",
  _DEFAULTS.population_size,
  "Number of candidates that can be parents. Children begin when as many are finished.",
)
flags.DEFINE_integer(
  "initial_candidates",
  None,
  "Number of candidates without a parent, which come first: the founders of --start_from, then "
  "random ones. The best of them form the population. Default: --population_size.",
)
flags.DEFINE_integer(
  "tournament_size",
  _DEFAULTS.tournament_size,
  "Members drawn from the population for each child; the best of them is its parent.",
)
flags.DEFINE_integer(
  "rounds",
  _DEFAULTS.rounds,
  "Number of candidates after --initial_candidates. May be raised later.",
)
flags.DEFINE_enum(
  "remove",
  _DEFAULTS.remove,
  settings_lib.REMOVALS,
  "Which member leaves a full population: its worst, the worst of the tournament, or the oldest.",
)
flags.DEFINE_integer(
  "remove_count",
  _DEFAULTS.remove_count,
  "Number of members that leave a full population at once. It is then filled up by as many "
  "newcomers before any other leaves.",
)
cli.define_choice(
  "fitness",
  fitness.DEFAULT,
  fitness.names,
  "Metric on the validation clips by which candidates are compared. The loss is minimised, all "
  "others are maximised. With --task, the default is that of the task.",
)
flags.DEFINE_string(
  "objectives",
  _DEFAULTS.objectives,
  "The fitness and one or more costs, separated by commas, such as accuracy,multiply_adds. "
  "Candidates are then compared by all of them at once, and the search finds a front of the best "
  f"compromises. Costs: {', '.join(objectives.COSTS)} (measured, in milliseconds per clip). "
  "Default: the fitness alone.",
)
cli.define_choice(
  "guidance",
  _DEFAULTS.guidance,
  guidance.names,
  "How a child chooses among its parent's connections: by their learned weights, by what cutting "
  "each would cost, or at random.",
)
flags.DEFINE_string(
  "weight_threshold",
  str(_DEFAULTS.weight_threshold),
  "--guidance=connection_weights keeps connections whose trained weight is above this; uniform "
  "draws a threshold from U(0, 1) for each, and uniform:0.2:0.8 from U(0.2, 0.8).",
)
flags.DEFINE_enum(
  "sensitivity_drop",
  _DEFAULTS.sensitivity_drop,
  settings_lib.SENSITIVITY_DROPS,
  "Which connections --guidance=sensitivity drops.",
)
flags.DEFINE_float(
  "prune_fraction",
  _DEFAULTS.prune_fraction,
  "Share of a parent's connections that --guidance=sensitivity or random drops.",
)
flags.DEFINE_integer(
  "max_operators",
  None,
  "Largest number of splits, merges and changes of dilation in a child. Default: that of the "
  "search space.",
)
flags.DEFINE_enum(
  "inherit",
  _DEFAULTS.inherit,
  settings_lib.INHERITANCES,
  "What the training of a child begins with: none, random weights; blocks, the trained weights of "
  "its parent, as far as they fit. The winner is trained to the end from scratch in either case.",
)
flags.DEFINE_integer(
  "seed", _DEFAULTS.seed, "Random seed. With --workers=1, equal seeds give identical results."
)

flags.DEFINE_integer(
  "candidate_steps", network_search.Search.candidate_steps, "Training steps of a candidate."
)
flags.DEFINE_integer(
  "final_steps",
  network_search.Search.final_steps,
  "Training steps of the winner, from scratch. May be changed later.",
)
flags.DEFINE_string(
  "rungs",
  _DEFAULTS.rungs,
  "Training steps after which candidates are judged, such as R/9,R/3,R with R for "
  "--candidate_steps. The best third of a rung is trained on to the next, the others rest; "
  "candidates that finish the last become parents. Default: every candidate is trained to R.",
)
flags.DEFINE_enum(
  "rung_schedule",
  _DEFAULTS.rung_schedule,
  settings_lib.RUNG_SCHEDULES,
  "For --rungs. restart: the learning rate falls to zero before every rung and starts again after "
  "it; whole: it falls once, over --candidate_steps, which suits --ema_decay.",
)

flags.DEFINE_float(
  "max_hours",
  None,
  "Begins no new candidate after this many hours of searching, over all starts of this command. "
  "Candidates in flight and the final training are still finished. May be changed later.",
)
flags.DEFINE_float(
  "target_fitness",
  None,
  "Begins no new candidate once one has a --fitness of at least this; with --fitness=loss, of at "
  "most this. May be changed later.",
)
flags.DEFINE_integer(
  "max_retries",
  _DEFAULTS.max_retries,
  "How many times a training is tried again after its process was killed. A lost machine does not "
  "count. May be changed later.",
)
flags.DEFINE_float(
  "candidate_timeout",
  None,
  "Seconds after which a candidate is given up as infeasible. May be changed later.",
)
flags.DEFINE_integer(
  "workers",
  _DEFAULTS.workers,
  "Number of candidates trained at the same time. May be changed later.",
)
cli.define_choice(
  "executor",
  network_search.Search.executor,
  executors.names,
  "local: a process for each candidate; inline: in this process, for TPUs and debugging; "
  "ray: a process for each candidate on the machines of a Ray cluster. May be changed later.",
)
flags.DEFINE_string(
  "ray_address",
  None,
  "auto or HOST:PORT of a running Ray cluster, for --executor=ray; default: one is started here.",
)
flags.DEFINE_integer(
  "gpus_per_candidate",
  None,
  "GPUs that one training has to itself. Default: 1 if there are any; with "
  "--distribution_strategy=mirrored, an equal share of all.",
)
flags.DEFINE_integer(
  "threads_per_candidate",
  None,
  "CPU threads that an operation of a training uses. Results depend on it in the last bits. "
  "Default: cores / workers.",
)
flags.DEFINE_integer(
  "keep_checkpoints",
  _DEFAULTS.keep_checkpoints,
  "Number of candidates whose weights are kept: the best, or with --objectives the front first. "
  "May be changed later.",
)
flags.DEFINE_enum(
  "final",
  _DEFAULTS.final,
  settings_lib.FINALS,
  "What is trained to the end, from scratch, and exported. best: the best candidate. top_k: of the "
  "--top_k best candidates, the one that is best after this training. ensemble: the --top_k best "
  "as one network that averages their answers. With --objectives also front: at most --top_k of "
  "the front, each with an export of its own; and knee: the best compromise. May be changed later.",
)
flags.DEFINE_integer(
  "top_k",
  _DEFAULTS.top_k,
  "Number of candidates for --final=top_k, ensemble and front. May be changed later.",
)
flags.DEFINE_enum(
  "export",
  _DEFAULTS.export,
  settings_lib.EXPORTS,
  "What --final=top_k exports. best: the candidate that is best after the final training; all: the "
  "others, too, each to a folder export_top_k/NUMBER. May be changed later.",
)
flags.DEFINE_integer(
  "folds",
  _DEFAULTS.folds,
  "Number of cross-validation folds of the train and validation clips together. Candidate n learns "
  "from all folds but n mod --folds, and is judged by that one. Default: all candidates learn from "
  "the train clips and are judged by the validation clips, as the final training is in any case.",
)
flags.DEFINE_enum(
  "fold_rank",
  _DEFAULTS.fold_rank,
  folds.RANKS,
  "How candidates of different folds are compared. within: by their fitness less the effect of "
  "their fold, so that an easy fold gives no advantage; all: by their fitness as it is.",
)
flags.DEFINE_string(
  "confirm",
  _DEFAULTS.confirm,
  "K:SEEDS, such as 3:2. At the end of the search, the K best candidates are trained again, with "
  "SEEDS other seeds each. The lower bound of the mean of these trainings alone decides which is "
  "trained to the end, because the best of a search is partly the luckiest. May be changed later.",
)
flags.DEFINE_string(
  "start_from",
  None,
  "Folder of an earlier run, whose best architectures are the first candidates of this one, its "
  "founders. Those that --search_space or the dataset do not allow are left out, and named.",
)

flags.DEFINE_string(
  "scores",
  network_search.Search.scores,
  "Scores without training that are written to the result of every candidate: all, or some of "
  f"{', '.join(score_names.SCORES)}, separated by commas. They are for study and change nothing "
  "else. Default: none. May be changed later.",
)

training_flags.define(config.EVOLVE)


def main(_) -> int:
  if FLAGS.print_search_space:
    print(json.dumps(space_lib.load_space(FLAGS.print_search_space).to_json(), indent=1))
    return 0
  training = training_flags.read(config.EVOLVE)
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  model_dir = training_flags.run_directory(FLAGS.model_dir)
  search, info = network_search.prepared(
    training,
    space_lib.load_space(FLAGS.search_space),
    _settings(),
    model_dir=model_dir,
    candidate_steps=FLAGS.candidate_steps,
    final_steps=FLAGS.final_steps,
    executor=FLAGS.executor,
    ray_address=FLAGS.ray_address,
    threads_per_candidate=FLAGS.threads_per_candidate,
    gpus_per_candidate=FLAGS.gpus_per_candidate,
    start_from=FLAGS.start_from and cli.resolve_path(FLAGS.start_from),
    imports=extensions.given(),
    scores=FLAGS.scores,
  )
  if FLAGS.dry_run:
    status = network_search.dry_run(search, info)
    next_command.tell([] if status else [next_steps.without("dry_run")])
    return status
  status = network_search.run(search, info)
  next_command.tell([] if status else next_steps.after_run(model_dir))
  return status


def _settings() -> dict[str, object]:
  """Returns the fields of SearchSettings, whose names are those of flags."""
  names = (field.name for field in dataclasses.fields(settings_lib.SearchSettings))
  given = {name: FLAGS[name].value for name in names}
  if FLAGS["fitness"].using_default_value:
    del given["fitness"]  # The task has a default of its own.
  return {
    **given,
    "weight_threshold": settings_lib.threshold(FLAGS.weight_threshold),
  }


if __name__ == "__main__":
  cli.run(main)
