"""The driver: fills every free slot and records whatever comes back, until enough is finished.

There are no generations and no barriers. A slot that becomes free takes the next proposal at once,
made from what is known by then; with one worker that is everything, so that the search is a
function of its seed. With rungs, a promotion comes before a proposal (promotion.py).

Order of writing is what makes a kill harmless: candidate.json before training, result.json after
it, each whole; with rungs, promotion_<k>.json before and rung_<k>.json after. A driver that starts
again finds every candidate finished, or in flight with its own checkpoints, or not there.
"""

from collections.abc import Collection, Iterator, Sequence
import itertools
import time

from official.architecture import cost
from official.architecture.architecture import ArchitectureError
from official.architecture.space import SearchSpace
from official.runs import driver
from official.runs import fitness as fitness_lib
from official.runs import judge
from official.runs import reading
from official.runs import records
from official.runs import rung_records
from official.runs.console import Console
from official.runs.driver import Ended
from official.runs.driver import Job
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Task
from official.runs.records import Candidate
from official.runs.records import Founder
from official.runs.records import Result
from official.runs.run_directory import RunDirectory
from official.runs.rung_records import Promotion
from official.runs.rung_records import RungResult
from official.search import confirmation_trainings
from official.search import front_report
from official.search import inheritance
from official.search import objectives
from official.search import promotion
from official.search import proposals
from official.search import state as state_lib
from official.search import summaries
from official.search.population import Member
from official.search.settings import SearchSettings

_CLOCK_SECONDS = 10.0


def search(
  run: RunDirectory,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  evaluator: Evaluator,
  executor: Executor,
  console: Console,
  founders: Sequence[Founder] = (),
) -> tuple[Member, ...]:
  """Starts or resumes the search; returns the candidates to train to the end, the best first.

  Args:
    run: Opened run directory.
    space: What an architecture can be.
    settings: How to search.
    clip: What networks are built for.
    evaluator: Trains a candidate.
    executor: Runs the evaluator; closed by the caller.
    console: Told what happens.
    founders: The first candidates, see proposals.propose.

  Raises:
    SearchStopped: A fault that repeats itself, or nothing is feasible.
  """
  return _Driver(run, space, settings, clip, evaluator, executor, console, founders).run()


class _Driver:
  """One life of the driver."""

  def __init__(
    self,
    run: RunDirectory,
    space: SearchSpace,
    settings: SearchSettings,
    clip: cost.Clip,
    evaluator: Evaluator,
    executor: Executor,
    console: Console,
    founders: Sequence[Founder],
  ):
    self._run = run
    self._space = space
    self._settings = settings
    self._rungs = settings.rung_steps
    self._clip = clip
    self._evaluator = evaluator
    self._executor = executor
    self._console = console
    self._founders = founders
    self._state, in_flight = state_lib.replay(run, settings)
    self._interrupted = in_flight
    self._running: dict[str, Candidate] = {}
    self._watch = judge.Watch(
      patience=settings.population_size,
      feasible=self._state.best is not None or any(self._state.ladder.judged()),
    )
    self._clock = _Clock(run)
    self._summaries = summaries.Summaries(run, settings.fitness)
    self._said_enough = False
    self._is_exhausted = False

  def run(self) -> tuple[Member, ...]:
    total = max(self._settings.candidates, self._state.proposed)
    self._console.begin_search(
      total=sum(promotion.expected(total, max(len(self._rungs), 1))),
      finished=self._state.known_results,
      best=self._best(),
      unit="trainings" if self._rungs else "candidates",
    )
    if self._state.proposed:
      self._console.say(
        f"going on in {self._run.path}: {self._state.proposed} candidates proposed, "
        f"{len(self._interrupted)} of them in flight; {self._best()}"
      )
    self._drop_weights(set(range(self._state.proposed)) - set(self._interrupted))
    try:
      self._work()
    finally:
      self._clock.save()
      self._summaries.close()
    self._drop_weights(set(range(self._state.proposed)) if self._rungs else (), at_end=True)
    for line in front_report.lines(
      front_report.compromises(self._state.front, self._settings), self._settings.fitness
    ):
      self._console.say(line)
    if self._state.best is None:
      raise judge.SearchStopped("no candidate is feasible; choose another --search_space")
    return confirmation_trainings.finalists(
      self._run, self._settings, self._state, self._evaluator, self._executor, self._console
    )

  def _work(self) -> None:
    for ended in driver.run_all(
      self._jobs(), self._executor, self._console, retries=self._settings.max_retries
    ):
      self._record(ended)

  def _jobs(self) -> Iterator[Job | None]:
    """Yields a training whenever there is a free slot, or None if there is none now: first those
    that an earlier driver left in flight, then promoted and new candidates."""
    while self._interrupted:
      number = self._interrupted.pop(0)
      self._run.read_architecture(number)  # A damaged one is told here, and not by its training.
      yield self._job(self._run.read_proposal(number))
    while True:
      yield self._next_job()

  def _next_job(self) -> Job | None:
    ladder, state = self._state.ladder, self._state
    may_begin = state.proposed < self._settings.candidates and not self._is_exhausted
    is_over = (may_begin or ladder.promotable() is not None) and self._is_over()
    all_wanted = max(self._settings.trained_to_the_end, self._settings.confirmation.candidates)
    wanted = 1 if is_over else all_wanted
    step = promotion.decide(
      ladder,
      may_begin=may_begin,
      is_over=is_over,
      in_flight=len(self._running),
      lacking=wanted - len(state.leaders),
    )
    if isinstance(step, promotion.Step):
      return self._promote(step)
    if step != "begin":
      return None
    candidate = self._propose()
    if candidate is None:
      return self._next_job() if self._rungs else None
    self._run.write_candidate(candidate)
    state.proposed += 1
    state.known.add(candidate.digest or "")
    return self._job(candidate)

  def _promote(self, step: promotion.Step) -> Job:
    """Records a promotion and returns the training that follows from it."""
    rung_records.write_promotion(
      self._run,
      Promotion(number=step.number, rung=step.rung, known_results=self._state.known_results),
    )
    self._state.ladder.promote(step)
    return self._job(self._run.read_proposal(step.number))

  def _is_over(self) -> bool:
    """Returns whether a budget is used up; reports it once."""
    best = self._state.best
    enough = self._settings.enough(best.fitness if best else None, self._clock.hours())
    if enough and not self._said_enough:
      self._said_enough = True
      self._console.say(
        f"{enough}: nothing new is begun; {len(self._running)} in flight are finished first"
      )
    return enough is not None

  def _propose(self) -> Candidate | None:
    """Returns the next candidate; None where the space has no other, so that the search ends."""
    try:
      return proposals.propose(
        self._run, self._state, self._space, self._settings, self._clip, self._founders
      )
    except ArchitectureError as error:
      self._is_exhausted = True
      count = self._state.proposed
      self._run.write_exhausted(count)
      self._console.say(
        f"no new candidate can be drawn from --search_space after {count} ({error}): nothing new "
        f"is begun; {len(self._running)} in flight are finished first"
      )
      return None

  def _job(self, candidate: Candidate) -> Job:
    key = f"{candidate.number:06d}"
    self._running[key] = candidate
    lower, rung = self._rungs[:-1], self._state.ladder.reached(candidate.number)
    stop_at = {"stop_at": lower[rung]} if rung < len(lower) else {}
    task = Task(
      key=key,
      function=self._evaluator,
      candidate={**candidate.to_json(), **stop_at},
      directory=self._run.candidate_directory(candidate.number),
      timeout=self._settings.candidate_timeout,
    )
    to_rung = f", rung {rung}" if self._rungs else ""
    return Job(label=f"{_label(candidate)}{to_rung}", task=task)

  def _record(self, ended: Ended) -> None:
    candidate = self._running.pop(ended.key)
    result, fault = judge.result(
      candidate.number, ended.verdict, self._settings.fitness, self._state.next_order
    )
    leaders_before = self._state.keeping_weights
    rung = self._state.ladder.reached(candidate.number)
    rests = rung + 1 < len(self._rungs) and result.status == "ok"
    if rests:
      at_rung = RungResult.of(result, rung, self._rungs[rung])
      rung_records.write_rung(self._run, at_rung, ended.timing())
      self._state.record_rung(at_rung)
    else:
      self._run.write_result(result, ended.timing())
      self._state.record(result, candidate.tournament)
    self._clock.save_sometimes()
    self._summaries.write(self._state)
    parent = inheritance.parents([candidate], self._settings)
    self._drop_weights({candidate.number, *leaders_before, *parent, *self._state.hopeless()})
    self._console.end(ended.key, _describe(result, () if rests else self._settings.costs))
    self._console.count(self._best())
    self._watch.see(result, fault)

  def _drop_weights(self, finished: Collection[int], *, at_end: bool = False) -> None:
    """Deletes the checkpoints of those that nobody needs, or needs any longer. At the end these are
    also those that could still be promoted if there were more rounds."""
    interrupted = map(self._run.read_proposal, self._interrupted)
    in_flight = itertools.chain(self._running.values(), interrupted)
    parents = inheritance.parents(in_flight, self._settings)
    needless = [
      number
      for number in sorted(set(finished) - self._state.keeping_weights - parents)
      if not self._state.may_be_trained_on(number, at_end=at_end)
    ]
    for _ in reading.each(self._run.drop_weights, needless):
      pass

  def _best(self) -> str:
    best = self._state.best
    if best is None:
      return "no candidate has finished the last rung yet" if self._rungs else "none feasible yet"
    front = f", front of {len(self._state.front.members)}" if self._settings.costs else ""
    return (
      f"best {fitness_lib.text(self._settings.fitness, best.fitness)} "
      f"(candidate {best.number:06d}){front}"
    )


class _Clock:
  """Hours of searching, over all lives of the driver; a kill loses those since the last save."""

  def __init__(self, run: RunDirectory):
    self._run = run
    self._before = run.searched_seconds()
    self._start = self._saved = time.monotonic()

  def hours(self) -> float:
    return self._seconds() / 3600

  def save_sometimes(self) -> None:
    """Saves, if that was some seconds ago; a search of short candidates has other things to do."""
    if time.monotonic() - self._saved >= _CLOCK_SECONDS:
      self.save()

  def save(self) -> None:
    self._saved = time.monotonic()
    self._run.write_searched_seconds(self._seconds())

  def _seconds(self) -> float:
    return self._before + time.monotonic() - self._start


def _label(candidate: Candidate) -> str:
  return f"candidate {candidate.number:06d} ({proposals.origin(candidate)})"


def _describe(result: Result, costs: Sequence[str] = ()) -> str:
  """Reports how a candidate ended."""
  if result.status != "ok":
    return f"{result.status}: {result.reason}"
  size = f", {result.params:,} parameters" if result.params else ""
  for name, value in zip(costs, objectives.costs_of(result, costs), strict=True):
    if name != "params":
      size += f", {name} {objectives.number(name, value)}"
  return f"{records.metrics_text(result.metrics or {})}{size}"
