"""The run in a sentence and a table: data, budget, the best so far, cost, failures, the command."""

from collections.abc import Iterator

from official.reports import beside
from official.reports import facts
from official.reports import page
from official.reports import words
from official.runs import fitness as fitness_lib
from official.runs import records
from official.tasks import baselines

_KINDS_SHOWN = 5
_IN_FLIGHT_SHOWN = 5
_CONDITIONS = {
  "running": "The search is running",
  "finished": "The search has finished",
  "stopped": "The search was stopped before its end; the command that started it resumes it",
}


def section(run: facts.Run) -> page.Section:
  """Returns the section."""
  rows = [(name, value) for name, value in _rows(run) if value]
  parts: list[page.Part] = [
    page.Text(_sentence(run)),
    page.Table("The run", (), rows),
  ]
  if run.timing.starts:
    parts.append(page.Details("The command", [page.Code(run.timing.starts[-1].command)]))
  if run.notes:
    title = f"{words.count(len(run.notes), 'file')} could not be read"
    parts.append(page.Details(title, [page.Items(run.notes)], unfolded=True))
  return page.Section("summary", "Summary", parts)


def _sentence(run: facts.Run) -> str:
  if not run.is_search:
    told = _final(run)
    return f"One architecture was trained to the end: {told}." if told else "It is not finished."
  told = _best(run)
  condition = words.condition(run)
  sentences = [_CONDITIONS[condition]]
  if told:
    finished = words.count(len(run.results), "finished candidate")
    sentences.append(f"Of {finished}, the best is {told}")
  elif run.results:
    sentences.append(f"None of {words.count(len(run.results), 'candidate')} could be trained")
    if condition == "stopped":
      # Going on as before would end the same way.
      sentences[0] = "The search was stopped before its end"
      sentences.append("The reasons are below; mend them before the command is given again")
  else:
    sentences.append("No candidate has finished yet")
  final = _final(run)
  if final:
    sentences.append(f"Trained to the end, {_who(run)} has {final}")
  return ". ".join(sentences) + "."


def _who(run: facts.Run) -> str:
  if run.final and run.final.final == "ensemble":
    return f"the ensemble of {len(run.final.members or ())}"
  return f"candidate {words.candidate(run.winner)}" if run.winner is not None else "the winner"


def _best(run: facts.Run) -> str | None:
  """Returns the best candidate so far and its fitness."""
  if run.best is None:
    return None
  value = fitness_lib.text(run.fitness, run.results[run.best].fitness or 0.0)
  return f"candidate {words.candidate(run.best)}, with {value} on the validation clips"


def _validation(run: facts.Run) -> str | None:
  """Returns all metrics of the best candidate, and what its accuracy is worth."""
  if run.best is None:
    final = (run.final.metrics if run.final else None) or {}
    return _told(run, "validation", final.get("validation"))
  told = _told(run, "validation", run.results[run.best].metrics)
  many = len(run.results) > 1
  flattered = "; the best of many is flattered by its luck on these clips" if many else ""
  return f"{told}{flattered} (candidate {words.candidate(run.best)})"


def _told(run: facts.Run, split: str, metrics: records.Metrics | None) -> str | None:
  """Returns metrics with what an accuracy among them is worth; None without metrics."""
  if not metrics:
    return None
  beside = _beside(run, split, metrics)
  return records.metrics_text(metrics) + (f": {beside}" if beside else "")


def _beside(run: facts.Run, split: str, metrics: records.Metrics) -> str | None:
  """Returns what is said of an accuracy: its clips, interval, chance, largest class."""
  baseline = run.final.baselines.get(split) if run.final else None
  if run.recorded.identity.get("folds"):
    return None
  if baseline is None and run.info and run.spec:
    baseline = baselines.of_split(run.spec, run.info, split)
  return baseline.of(metrics) if baseline else None


def _final(run: facts.Run) -> str | None:
  """Returns what the final training came to: the fitness on the test clips, if there are any."""
  metrics = (run.final.metrics if run.final else None) or {}
  for split in ("test", "validation", *metrics):
    values = metrics.get(split) or {}
    known = {name: value for name, value in values.items() if value is not None}
    if known:
      name = run.fitness if run.fitness in known else next(iter(known))
      return f"{name} {known[name]:.4f} on the {split} clips"
  return None


def _rows(run: facts.Run) -> Iterator[tuple[str, str | page.Link | None]]:
  final = (run.final.metrics if run.final else None) or {}
  yield "data", _data(run)
  yield "task", run.spec.name if run.spec else None
  yield "budget", _budget(run)
  yield "on validation clips", _validation(run)
  yield "on test clips", _told(run, "test", final.get("test"))
  yield from _hand_made(run)
  yield "size", _size(run)
  yield "cost", _cost(run)
  yield "candidates", _counts(run)
  yield "in flight", _in_flight(run)
  yield from _failures(run)
  if run.final and run.final.export:
    yield "exported to", run.final.export
  yield from _starts(run)


def _data(run: facts.Run) -> str | None:
  data_dir = run.recorded.operation.get("data_dir")
  info = run.info
  if info is None:
    return f"{data_dir} (it has moved, or is another dataset by now)" if data_dir else None
  clips = ", ".join(f"{split.clips:,} {name}" for name, split in info.splits.items())
  classes = f", {len(info.classes):,} classes" if info.classes else ""
  return f"{data_dir}: clips {clips}{classes}; streams {', '.join(info.streams)}"


def _budget(run: facts.Run) -> str | None:
  settings = run.settings
  if settings is None:
    steps = run.recorded.identity.get("train_steps")
    return f"{steps:,} steps" if isinstance(steps, int) else None
  steps = run.recorded.identity.get("candidate_steps")
  told = words.count(settings.candidates, "candidate")
  told += f" of {steps:,} steps" if isinstance(steps, int) else ""
  told += f", judged at rungs {settings.rungs}" if settings.rungs else ""
  told += f", {settings.algorithm.replace('_', ' ')}"
  told += "" if settings.algorithm == "random_search" else f" guided by {settings.guidance}"
  return told + (f", at most {settings.max_hours:g} hours" if settings.max_hours else "")


def _hand_made(run: facts.Run) -> Iterator[tuple[str, str | None]]:
  for name, result in beside.hand_made(run) if run.is_search else ():
    metrics = result.metrics or {}
    split = "test" if metrics.get("test") else "validation"
    size = f", {result.params:,} parameters" if result.params else ""
    told = _told(run, split, metrics.get(split))
    yield "a hand-made network", f"{name}{size}; {told} (on {split} clips)" if told else None


def _in_flight(run: facts.Run) -> str | None:
  """Returns how far the trainings are that have no result yet."""
  told = []
  for number in run.in_flight[:_IN_FLIGHT_SHOWN]:
    progress = run.progress(number)
    steps = f" step {progress.step:,} of {progress.steps:,}" if progress and progress.steps else ""
    told.append(f"{words.candidate(number)}" + (f" ({progress.phase}{steps})" if progress else ""))
  more = len(run.in_flight) - len(told)
  return ", ".join(told) + (f" and {more} more" if more else "") if told else None


def _size(run: facts.Run) -> str | None:
  result = run.results.get(run.winner) if run.winner is not None else run.final
  if result is None or result.params is None:
    return None
  adds = (
    f", {words.size(result.multiply_adds)} multiply-adds per clip" if result.multiply_adds else ""
  )
  return f"{result.params:,} parameters{adds}"


def _cost(run: facts.Run) -> str | None:
  timings = [*run.timings.values(), *(each for some in run.rung_timings.values() for each in some)]
  trained = sum(each.seconds or 0 for each in timings)
  processor = sum(each.processor_seconds or 0 for each in timings)
  searched = run.timing.searched_seconds
  told = [
    f"{words.seconds(searched)} of searching" if searched else "",
    f"{words.seconds(trained)} of training candidates" if trained else "",
    f"{words.seconds(processor)} of processor time" if processor else "",
  ]
  return ", ".join(filter(None, told)) or None


def _counts(run: facts.Run) -> str | None:
  states = [run.state_of(number) for number in run.candidates]
  found = {state: states.count(state) for state in dict.fromkeys(sorted(states))}
  return ", ".join(f"{number:,} {state}" for state, number in found.items()) or None


def _failures(run: facts.Run) -> Iterator[tuple[str, str]]:
  state = run.history.state
  failures = sorted(state.failures.values(), key=lambda each: -each.count) if state else []
  for failure in failures[:_KINDS_SHOWN]:
    last = words.candidate(failure.number)
    yield failure.status, f"{failure.count} x {failure.reason} (the last: candidate {last})"
  if len(failures) > _KINDS_SHOWN:
    yield "", f"and {len(failures) - _KINDS_SHOWN} other reasons; the leaderboard has all"


def _starts(run: facts.Run) -> Iterator[tuple[str, str]]:
  starts = run.timing.starts
  if not starts:
    return
  first = starts[0]
  version = f"version {first.version}" if first.version else ""
  commit = f"commit {first.commit[:12]}" if first.commit else ""
  told = ", ".join(filter(None, (words.date(first.at), version, commit)))
  yield "begun", told
  if len(starts) > 1:
    yield "resumed", f"{len(starts) - 1} times, the last on {words.date(starts[-1].at)}"
