"""The Beam job: the shards of a plan, each written by one call on some worker.

    plan.json -> shards -> reshuffle -> write a shard

Where videos are cut into windows, another job of the same form comes first, which looks up how long
they are. Where nothing else is asked for, jobs run on this machine with one process a core
(local_runner.py), whose threads share the shards out as they become free (handout.py); any other
`--runner`, with its options, works as Beam documents it (cluster_runner.py).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
import contextlib
import io
from typing import Any

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import url_files
from data_prep.common.quiet_beam import beam
from data_prep.common.quiet_beam import pipeline_options
from data_prep.dataset import clip_examples
from data_prep.dataset import isolation
from data_prep.dataset import rows
from data_prep.job import cluster_runner
from data_prep.job import handout
from data_prep.job import local_runner
from data_prep.job import shards
from data_prep.job import windowing


class WriteShard(beam.DoFn):
  """Writes the file of each shard that it is given."""

  def __init__(
    self,
    directory: str,
    settings: clip_examples.Settings,
    classes: Sequence[str],
    isolate_decoding: bool,
    clip_timeout: float,
  ):
    """Takes the folder of the dataset, the settings of its clips, and where they are made."""
    self._directory = directory
    self._settings = settings
    self._classes = tuple(classes)
    self.isolate_decoding = isolate_decoding
    self._clip_timeout = clip_timeout

  def setup(self) -> None:
    """Creates what one thread of a worker needs."""
    unfinished = shards.unfinished_directory(self._directory)
    arguments = self._settings, self._classes, None if files.is_url(unfinished) else unfinished
    self._maker = (
      isolation.IsolatedMaker(*arguments, self._clip_timeout)
      if self.isolate_decoding
      else clip_examples.CountingMaker(*arguments)
    )

  def process(self, shard: shards.Shard) -> Iterator[str]:
    """Yields a shard's name when its file and its result are there; nothing once the job stops."""
    for due in handout.due(self._directory, shard):
      if shards.is_stopped(self._directory):
        return
      with handout.stopped_by_failure(self._directory):
        shards.write(due, self._directory, self._maker.make, self._settings.inputs)
      yield due.name

  def teardown(self) -> None:
    """Closes what `setup` opened."""
    self._maker.close()


class LookUpLengths(beam.DoFn):
  """Looks up the lengths of each chunk of videos that it is given."""

  def __init__(self, directory: str, isolate_decoding: bool, clip_timeout: float):
    """Takes the folder of the dataset, and where files are opened."""
    self._directory = directory
    self.isolate_decoding = isolate_decoding
    self._clip_timeout = clip_timeout

  def setup(self) -> None:
    """Starts the child process, if there is to be one."""
    self._child = isolation.Child(timeout=self._clip_timeout) if self.isolate_decoding else None

  def process(self, locations: Sequence[str]) -> None:
    """Leaves the lengths in the folder."""
    for due in handout.due(self._directory, locations):
      with handout.stopped_by_failure(self._directory):
        windowing.write_lengths(due, self._directory, self._length)

  def teardown(self) -> None:
    """Ends the child."""
    if self._child:
      self._child.close()

  def _length(self, location: str) -> float | None:
    if not self._child:
      return windowing.length_of(location)
    try:
      return self._child.call(windowing.length_of, location)
    except clip_examples.ClipError:
      return None


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
      f"Beam does not accept the options: {said.getvalue().strip().splitlines()[-1]}"
    ) from error
  if unknown:
    kind = "flag" if unknown[0].startswith("-") else "argument"
    raise cli.UserError(
      f"unknown {kind} {unknown[0]!r}: it is neither this program's nor Beam's "
      "(flags are written --name=value; --help lists ours)"
    )
  options = pipeline_options.PipelineOptions(list(arguments))
  given = {argument.split("=")[0] for argument in arguments}
  if local_runner.serves(options) and "--direct_num_workers" not in given:
    options.view_as(pipeline_options.DirectOptions).direct_num_workers = 0
  if "--save_main_session" not in given:  # Workers import what they need.
    options.view_as(pipeline_options.SetupOptions).save_main_session = False
  return options


def open_urls_with(arguments: Sequence[str]) -> None:
  """Has this process open URLs with what the options say of them."""
  url_files.use(options_from(arguments).get_all_options(drop_default=True))


def check_reachable(arguments: Sequence[str]) -> None:
  """Raises UserError if the options name a cluster where nobody answers."""
  cluster_runner.check(options_from(arguments))


def write_shards(
  directory: str,
  settings: clip_examples.Settings,
  classes: Sequence[str],
  plan: Sequence[shards.Shard],
  beam_arguments: Sequence[str],
  *,
  isolate_decoding: bool,
  clip_timeout: float,
) -> None:
  """Writes the shards of a plan, and their results, into `directory`."""
  options = options_from(beam_arguments)
  if local_runner.serves(options):
    plan = shards.in_working_order(plan, local_runner.num_workers(options, len(plan)))
  shards.write_plan(plan, directory)
  _run(
    directory,
    shards.read_plan,
    len(plan),
    WriteShard(directory, settings, classes, isolate_decoding, clip_timeout),
    options,
  )


def look_up_lengths(
  directory: str,
  all_rows: Sequence[rows.Row],
  beam_arguments: Sequence[str],
  *,
  isolate_decoding: bool,
  clip_timeout: float,
) -> dict[str, float | None]:
  """Returns the seconds of each video by location, None for one that cannot be read."""
  chunks = windowing.write_videos(all_rows, directory)
  if chunks:
    _run(
      directory,
      windowing.read_videos,
      chunks,
      LookUpLengths(directory, isolate_decoding, clip_timeout),
      options_from(beam_arguments),
    )
  return windowing.read_lengths(directory)


def build(
  directory: str,
  read: Callable[[str], Iterable],
  work: beam.DoFn,
  options: pipeline_options.PipelineOptions,
  runner: Any = None,
) -> beam.Pipeline:
  """Returns the job that has workers do the `work` on what `read(directory)` returns."""
  pipeline = beam.Pipeline(runner=runner, options=options)
  folder = pipeline | "Folder" >> beam.Create([directory])
  todo = folder | "Plan" >> beam.FlatMap(read) | "Share" >> beam.Reshuffle()
  _ = todo | "Work" >> beam.ParDo(work)
  return pipeline


def _run(
  directory: str,
  read: Callable[[str], Iterable],
  count: int,
  work: WriteShard | LookUpLengths,
  options: pipeline_options.PipelineOptions,
) -> None:
  """Runs the job, with that many elements, where the options say."""
  if local_runner.serves(options):
    workers = local_runner.num_workers(options, count)
    threads = local_runner.has_threads(options, workers, with_children=work.isolate_decoding)
    runner = local_runner.make(options, workers, threads=threads)
    with handout.shared(directory, read(directory)) if threads else contextlib.nullcontext():
      local_runner.run(build(directory, read, work, options, runner))
  else:
    cluster_runner.run(build(directory, read, work, options), options)
