"""Curves of a search for TensorBoard: `tensorboard --logdir=RUN` shows them beside the trainings'.

    search/best_fitness      of all candidates so far
    search/population_mean   fitness of those that can become parents
    search/diversity         mean Jaccard distance between the connections of two members, each with
                             the dilation of its target: 0 if all are alike, 1 if no two share one
    search/params_of_best    trainable parameters
    search/front_size        candidates that no other dominates
    search/hypervolume       how much the front dominates, up to the worst of the initial candidates
                             in each objective; costs count by their natural logarithm

The last two are there with --objectives only. With --fitness=loss the first two are
search/best_loss and search/population_mean_loss, positive.

The step is the number of finished candidates; with rungs, that of results at all of them. Every
life of the driver writes a file of its own in RUN/search, without TensorFlow: an event file is a
sequence of records, and TensorBoard has both the records and the events. Behind a URL nothing is
written.
"""

from collections.abc import Mapping
import itertools
import os
import socket
import time
from typing import BinaryIO

from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer import record_writer

from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs.run_directory import RunDirectory
from official.search import diversity
from official.search.diversity import Connections
from official.search.state import SearchState

FOLDER = "search"
_VERSION = "brain.Event:2"


class Summaries:
  """Writes the curves of one life of the driver."""

  def __init__(self, run: RunDirectory, fitness: str = fitness_lib.DEFAULT):
    self._run = run
    self._fitness = fitness
    self._connections: dict[int, Connections] = {}
    self._distances: dict[tuple[int, int], float] = {}
    self._params: dict[int, int | None] = {}
    self._file: BinaryIO | None = None

  def write(self, state: SearchState) -> None:
    """Adds a point to every curve; none before a candidate is feasible."""
    if state.best is None or json_files.is_url(self._run.path):
      return
    if self._file is None:
      self._file = self._open()
    self._add(event_pb2.Event(wall_time=time.time(), step=state.known_results), self.values(state))
    self._file.flush()

  def close(self) -> None:
    """Closes the file, if there is one."""
    if self._file is not None:
      self._file.close()
      self._file = None

  def values(self, state: SearchState) -> dict[str, float]:
    """Returns a value for every curve, of a search that has a feasible candidate."""
    assert state.best is not None
    fitnesses = [member.fitness for member in state.population]
    best_name, mean_name = (
      ("best_fitness", "population_mean")
      if fitness_lib.higher_is_better(self._fitness)
      else (f"best_{self._fitness}", f"population_mean_{self._fitness}")
    )
    mean = sum(fitnesses) / len(fitnesses)
    values = {
      f"search/{best_name}": fitness_lib.shown(self._fitness, state.best.fitness),
      f"search/{mean_name}": fitness_lib.shown(self._fitness, mean),
      "search/diversity": self._diversity(state),
    }
    if state.front.members:
      values["search/front_size"] = float(len(state.front.members))
      values["search/hypervolume"] = state.front.hypervolume()
    best = state.best.number
    if best not in self._params:
      result = self._run.read_result(best)
      self._params = {best: None if result is None else result.params}
    params = self._params[best]
    return values if params is None else {**values, "search/params_of_best": float(params)}

  def _open(self) -> BinaryIO:
    folder = json_files.join(self._run.path, FOLDER)
    json_files.make_directory(folder)
    name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
    file = open(json_files.join(folder, name), "wb")
    self._records = record_writer.RecordWriter(file)
    self._add(event_pb2.Event(wall_time=time.time(), file_version=_VERSION), {})
    return file

  def _add(self, event: event_pb2.Event, values: Mapping[str, float]) -> None:
    for name, value in values.items():
      event.summary.value.add(tag=name, simple_value=value)
    self._records.write(event.SerializeToString())

  def _diversity(self, state: SearchState) -> float:
    """Facts about members and pairs of members are kept while they are members."""
    members = sorted(member.number for member in state.population)
    self._connections = {
      number: self._connections.get(number) or self._read(number) for number in members
    }
    self._distances = {
      pair: self._distances[pair] if pair in self._distances else self._distance(*pair)
      for pair in itertools.combinations(members, 2)
    }
    return sum(self._distances.values()) / max(len(self._distances), 1)

  def _distance(self, first: int, second: int) -> float:
    return diversity.distance(self._connections[first], self._connections[second])

  def _read(self, number: int) -> Connections:
    return diversity.connections(self._run.read_architecture(number))
