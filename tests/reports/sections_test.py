"""What the sections say of a search is what its records say."""

import dataclasses
import json

import pytest
import run_folder

from official.reports import curves
from official.reports import facts
from official.reports import features
from official.reports import page
from official.reports import survival
from official.reports import timeline
from official.reports.clock import Clock
from official.reports.clock import Span
from official.reports.sections import cost
from official.reports.sections import fitness
from official.reports.sections import learned
from official.runs import records


@pytest.fixture(scope="module")
def run(finished_run):
  return facts.read(str(finished_run))


def table(section, caption):
  return next(each for each in page.tables(section.parts) if caption in each.caption)


def results(folder):
  found = [json.loads(path.read_text()) for path in folder.glob("candidates/*/result.json")]
  return sorted(found, key=lambda result: result["finish_order"])


def test_the_curve_is_that_of_the_results(finished_run, run):
  fitnesses = [result["fitness"] for result in results(finished_run)]
  curve = curves.of(run)
  assert list(curve.fitness) == fitnesses
  known = [[each for each in fitnesses[: end + 1] if each is not None] for end in range(12)]
  assert list(curve.best) == [max(each) for each in known]


def test_the_table_behind_the_fitness_has_every_candidate(finished_run, run):
  rows = table(fitness.section(run), "order of finishing").rows
  assert [row[1] for row in rows] == [f"{each['number']:06d}" for each in results(finished_run)]


def test_the_clock_stands_still_in_a_pause():
  def span(begin, end):
    return Span(0, None, begin, end, 0, None)

  clock = Clock([span(0, 3600), span(1800, 7200), span(7230, 10830), span(86400, 90000)])
  assert clock.hours(5400) == 1.5
  assert clock.hours(50000) == clock.hours(86400) == pytest.approx(10830 / 3600)
  assert clock.hours(90000) == pytest.approx(10830 / 3600 + 1)
  assert clock.pauses == [pytest.approx(10830 / 3600)]


def curve(best, hours=None):
  count = len(best)
  values = {"numbers": tuple(range(count)), "hours": tuple(hours or [None] * count)}
  return curves.Curve(**values, fitness=tuple(best), best=tuple(best), mean=tuple(best))


def test_several_searches_are_a_band():
  band = curves.band([curve([0.1, 0.3, 0.5]), curve([None, 0.5, 0.5, 0.9])])
  assert band.at == (2, 3)
  assert band.mean == pytest.approx((0.4, 0.5))
  assert (band.low, band.high) == ((0.3, 0.5), (0.5, 0.5))


def test_a_band_over_hours_takes_the_last_best_until_then():
  searches = [curve([0.1, 0.5], [0.0, 2.0]), curve([0.3, 0.7], [0.0, 1.0])]
  band = curves.band(searches, over_hours=True, places=3)
  assert band.at == (0.0, 0.5, 1.0)
  assert band.mean == pytest.approx((0.2, 0.2, 0.4))


@pytest.mark.parametrize(
  "counted", [survival.by_stream, survival.by_dilation, survival.by_level, survival.by_span]
)
def test_shares_of_a_place_sum_to_one(run, counted):
  found = survival.shares(run, counted)
  assert len(found.at) > 2
  for column in zip(*found.by_label.values(), strict=True):
    assert sum(column) == pytest.approx(1)


def test_shares_are_those_of_the_population(run):
  population = run.history.steps[-1].population
  assert len(population) == 4
  shares = []
  for number in population:
    counts = survival.by_dilation(run.architecture(number))
    shares.append(counts["4"] / sum(counts.values()))
  found = survival.shares(run, survival.by_dilation)
  assert found.by_label["4"][-1] == pytest.approx(sum(shares) / 4)


def test_groups_hold_equal_values_together():
  pairs = [(1.0, 0.1), (1.0, 0.2), (1.0, 0.3), (2.0, 0.3), (3.0, 0.7), (3.0, 0.8), (3.0, 0.9)]
  found = features._grouped(pairs)
  assert [(group.least, group.most, group.count) for group in found] == [(1, 1, 3), (2, 3, 4)]
  assert found[0].mean == pytest.approx(0.2)
  assert found[0].low < 0.1 < 0.3 < found[0].high


def test_the_interval_is_that_of_student():
  assert features.student(4) == pytest.approx(2.776, rel=0.02)
  assert features.student(30) == pytest.approx(2.042, rel=0.001)


def test_nothing_on_the_front_is_dominated():
  points = [
    cost.Point(0, 5, 0.5),
    cost.Point(1, 3, 0.5),
    cost.Point(2, 9, 0.9),
    cost.Point(3, 9, 0.8),
  ]
  assert [point.number for point in cost.front(points)] == [1, 2]


def test_the_front_in_the_page_is_that_of_the_results(finished_run, run):
  rows = table(cost.section(run), "front of accuracy and parameters").rows
  known = [each for each in results(finished_run) if each["status"] == "ok"]
  best = max(known, key=lambda each: (each["fitness"], -each["params"]))
  assert rows[-1] == (
    page.Link(f"{best['number']:06d}", f"#candidate-{best['number']:06d}"),
    best["fitness"],
    best["params"],
  )


def test_trainings_side_by_side_are_on_different_lanes(run):
  line = timeline.of(run)
  assert line.lanes == 2
  assert len(line.trainings) == 12
  for lane in range(2):
    mine = [each for each in line.trainings if each.lane == lane]
    assert all(one.end <= other.begin for one, other in zip(mine, mine[1:]))
  assert line.busy + line.idle == pytest.approx(2 * line.hours)


def test_a_killed_training_is_counted(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  path = folder / "candidates" / "000003" / "timing.json"
  path.write_text(json.dumps({**json.loads(path.read_text()), "kills": 1}))
  section = cost.section(facts.read(str(folder)))
  [figure] = [each for each in page.figures(section.parts) if each.name == "timeline"]
  assert "1 process killed and tried again" in figure.description


def test_weights_that_follow_sensitivities_correlate(run):
  def measured(result):
    costs = [records.Sensitivity(w.source, w.target, w.end**3) for w in result.connection_weights]
    return dataclasses.replace(result, sensitivities=tuple(costs))

  found = {
    number: measured(result) if result.status == "ok" else result
    for number, result in run.results.items()
  }
  assert learned._weights(run) is None
  figure = learned._weights(dataclasses.replace(run, results=found))
  assert "Rank correlation +1.00" in figure.description
