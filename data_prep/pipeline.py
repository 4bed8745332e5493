"""The Beam job: the shards of a plan, each written by one call on some worker.

    plan.json -> shards -> reshuffle -> write a shard

Where nothing else is asked for, the job runs on this machine with one process a core
(local_runner.py); any other `--runner`, with its options, works as Beam documents it.
"""

from collections.abc import Iterator, Sequence
import contextlib
import io

from data_prep import cli
from data_prep import clips
from data_prep import files
from data_prep import isolation
from data_prep import local_runner
from data_prep import shards
from data_prep.quiet_beam import beam
from data_prep.quiet_beam import pipeline_options


class WriteShard(beam.DoFn):
  """Writes the file of each shard that it is given."""
  def __init__(self, directory: str, settings: clips.Settings, classes: Sequence[str],
               isolate_decoding: bool, clip_timeout: float):
    """Takes the folder of the dataset, what shapes its clips, and where they are made."""
    self._directory = directory
    self._settings = settings
    self._classes = tuple(classes)
    self._isolate_decoding = isolate_decoding
    self._clip_timeout = clip_timeout

  def setup(self) -> None:
    """Makes what one thread of a worker needs."""
    unfinished = shards.unfinished_directory(self._directory)
    arguments = self._settings, self._classes, None if files.is_url(unfinished) else unfinished
    self._maker = (isolation.IsolatedMaker(*arguments, self._clip_timeout)
                   if self._isolate_decoding else clips.CountingMaker(*arguments))

  def process(self, shard: shards.Shard) -> Iterator[str]:
    """Yields the shard's name when its file and its result are there; nothing once the job stops.
    """
    if shards.is_stopped(self._directory):
      return
    shards.write(shard, self._directory, self._maker.make)
    yield shard.name

  def teardown(self) -> None:
    """Closes what `setup` opened."""
    self._maker.close()


def options_from(arguments: Sequence[str]) -> pipeline_options.PipelineOptions:
  """Returns Beam's options; raises UserError for one that Beam does not know or cannot read.

  For a local run, the number of workers is 0, one a core, where it is not given.
  """
  parser = pipeline_options._BeamArgumentParser(allow_abbrev=False, add_help=False)
  for kind in pipeline_options.PipelineOptions.__subclasses__():
    kind._add_argparse_args(parser)
  said = io.StringIO()
  try:
    with contextlib.redirect_stderr(said):
      unknown = parser.parse_known_args(list(arguments))[1]
  except SystemExit as error:
    raise cli.UserError(
        f"Beam does not accept the options: {said.getvalue().strip().splitlines()[-1]}") from error
  if unknown:
    kind = "flag" if unknown[0].startswith("-") else "argument"
    raise cli.UserError(f"unknown {kind} {unknown[0]!r}: it is neither this program's nor Beam's "
                        "(flags are written --name=value; --help lists ours)")
  options = pipeline_options.PipelineOptions(list(arguments))
  given = {argument.split("=")[0] for argument in arguments}
  if local_runner.serves(options) and "--direct_num_workers" not in given:
    options.view_as(pipeline_options.DirectOptions).direct_num_workers = 0
  return options


def run(directory: str, settings: clips.Settings, classes: Sequence[str],
        plan: Sequence[shards.Shard], options: pipeline_options.PipelineOptions, *,
        isolate_decoding: bool, clip_timeout: float) -> None:
  """Writes the shards of a plan, and their results, into `directory`."""
  is_local = local_runner.serves(options)
  runner = None
  if is_local:
    workers = local_runner.num_workers(options, len(plan))
    runner = local_runner.make(options, workers)
    plan = shards.in_working_order(plan, workers)
  shards.write_plan(plan, directory)
  pipeline = beam.Pipeline(runner=runner, options=options)
  folder = pipeline | "Folder" >> beam.Create([directory])
  todo = folder | "Shards" >> beam.FlatMap(shards.read_plan) | "Share" >> beam.Reshuffle()
  _ = todo | "Write" >> beam.ParDo(
      WriteShard(directory, settings, classes, isolate_decoding, clip_timeout))
  if is_local:
    local_runner.run(pipeline)
  else:
    pipeline.run().wait_until_finish()
