"""The versions of a model that the trial server follows."""

import pytest

from tools.trial_server import models
from tools.trial_server.refusals import Refusal


class _Version:
  def __init__(self, path: str):
    with open(f"{path}/saved_model.pb", encoding="utf-8") as file:
      self.content = file.read()
    if self.content == "broken":
      raise ValueError("two\nlines")


@pytest.fixture
def write(tmp_path):
  def write(number: int | str, content: str = "good") -> None:
    folder = tmp_path / str(number)
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_text(content)

  return write


@pytest.fixture
def lines():
  return []


@pytest.fixture
def model(tmp_path, lines):
  return models.Model("video", str(tmp_path), load=_Version, tell=lines.append)


def _states(model):
  return {number: state.name for number, state in model.states("video").items()}


def test_the_newest_version_is_served_and_the_one_before_ends(model, write):
  write(1, "first")
  model.refresh()
  assert model.get("video").content == "first"
  write(10, "tenth")
  assert model.get("video").content == "first"
  model.refresh()
  assert model.get("video").content == model.get("video", 10).content == "tenth"
  assert _states(model) == {1: "END", 10: "AVAILABLE"}
  with pytest.raises(Refusal, match=r"Servable not found for request: Specific\(video, 1\)"):
    model.get("video", 1)


def test_a_broken_version_leaves_the_old_one_and_is_tried_again_when_it_changes(
  model, write, lines
):
  write(1)
  model.refresh()
  write(2, "broken")
  model.refresh()
  model.refresh()
  assert _states(model) == {1: "AVAILABLE", 2: "END"}
  assert model.states("video")[2].error == "two lines"
  assert lines.count("version 2 cannot be loaded: two lines") == 1
  write(2, "mended by now")
  model.refresh()
  assert _states(model) == {1: "END", 2: "AVAILABLE"}


def test_what_is_no_version_is_ignored(model, write, tmp_path):
  for name in ("writing-3", "01", "1.5", "²"):
    write(name)
  (tmp_path / "4").write_text("a file")
  model.refresh()
  assert models.versions(str(tmp_path)) == []
  with pytest.raises(Refusal, match="Could not find any versions of model video"):
    model.states("video")


def test_answers_go_on_when_the_folder_vanishes(model, write, tmp_path):
  write(1)
  model.refresh()
  (tmp_path / "1" / "saved_model.pb").unlink()
  (tmp_path / "1").rmdir()
  model.refresh()
  assert model.get("video").content == "good"


def test_a_label_keeps_its_version(tmp_path, write):
  model = models.Model("video", str(tmp_path), labels={"stable": 1}, load=_Version)
  write(1, "first")
  write(2, "second")
  model.refresh()
  assert model.get("video", label="stable").content == "first"
  assert model.get("video").content == "second"
  with pytest.raises(Refusal, match="Unrecognized servable version label: canary") as refused:
    model.get("video", label="canary")
  assert (refused.value.status, refused.value.http) == ("INVALID_ARGUMENT", 400)


def test_another_model_is_not_found(model, write):
  write(1)
  model.refresh()
  with pytest.raises(Refusal, match=r"Latest\(other\)") as refused:
    model.get("other")
  assert (refused.value.status, refused.value.http) == ("NOT_FOUND", 404)
  with pytest.raises(Refusal, match="Could not find version 7 of model video"):
    model.states("video", 7)
