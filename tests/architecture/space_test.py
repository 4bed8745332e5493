"""Search spaces: the named ones, JSON, and what is said of a wrong file."""

import copy
import json

import numpy as np
import pytest

from data_prep.common.cli import UserError
from official.architecture import random_generation
from official.architecture.space import SearchSpace
from official.architecture.space import load_space
from official.architecture.space import names


def broken(**changes):
  """Returns the JSON of `small` with fields set: `levels__0__blocks=3`."""
  data = copy.deepcopy(load_space("small").to_json())
  for path, value in changes.items():
    *folders, name = [int(key) if key.isdigit() else key for key in path.split("__")]
    place = data
    for key in folders:
      place = place[key]
    place[name] = value
  return data


def test_three_spaces_come_with_the_package():
  assert names() == ("paper", "patent", "restoration", "segmentation", "small")


@pytest.mark.parametrize("name", ["paper", "patent", "small"])
def test_a_named_space_round_trips(name):
  space = load_space(name)
  assert space.name == name
  assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space


def test_paper_has_the_published_levels():
  levels = load_space("paper").levels
  assert [level.blocks for level in levels] == [2, 2, 2, 1]
  assert [level.blocks * level.channels[0] for level in levels] == [128, 256, 512, 512]
  assert [level.spatial_strides for level in levels] == [(1,), (2,), (2,), (2,)]
  assert [level.modules for level in levels] == [3, 4, 6, 3]
  assert [level.intermediate_channels for level in levels] == [64, 128, 256, 512]


def test_paper_has_two_wide_or_four_narrow_stems():
  stems = load_space("paper").stems
  assert [[stem.channels for stem in choice] for choice in stems] == [[64] * 2, [32] * 4]


def test_patent_has_the_published_sets():
  space = load_space("patent")
  assert space.temporal_dilations == (1, 2, 4, 8)
  for level in space.levels:
    assert level.allowed_channels == (32, 64, 128, 256)
    assert level.spatial_strides == (1, 2, 4, 8)


def test_a_space_is_read_from_a_file(tmp_path):
  path = tmp_path / "mine.json"
  path.write_text(json.dumps(broken(name="mine")))
  assert load_space(str(path)).name == "mine"


def test_an_unknown_name_lists_the_known():
  with pytest.raises(
    UserError,
    match="no search space 'smal': the names are paper, patent, restoration, segmentation, small, "
    "and there is no file '.*/smal'",
  ):
    load_space("smal")


def test_a_file_that_is_no_json_is_named(tmp_path):
  (tmp_path / "mine.json").write_text("{")
  with pytest.raises(UserError, match=r"search space .*/mine\.json: cannot read it as JSON: "):
    load_space(str(tmp_path / "mine.json"))


def test_a_wrong_field_is_named_with_its_file(tmp_path):
  (tmp_path / "mine.json").write_text(json.dumps(broken(levels__2__blocks="two")))
  with pytest.raises(
    UserError,
    match=r"search space .*/mine\.json: levels\[2\]\.blocks is \"two\""
    "; it is an integer of at least 1",
  ):
    load_space(str(tmp_path / "mine.json"))


@pytest.mark.parametrize(
  "changes, text",
  [
    ({"name": 3}, "name is 3; it is a string"),
    ({"stems": []}, "stems is []; it is a list that is not empty"),
    ({"stems__0": []}, "stems[0] is []; it is a list of stems"),
    ({"stems__0__1__streams": "rgb"}, 'stems[0][1].streams is "rgb"; it is a list of differ'),
    ({"stems__1__0__kind": "x"}, "stems[1][0]: block 'stem': unknown block kind 'x'; the kin"),
    ({"stems__1__0__spatial_stride": 8}, "stems[1][0]: block 'stem': spatial_stride is 8; stem_2"),
    ({"stems__1__0__spatial_stride": 3}, "stems[1][0].spatial_stride has 3; strides are power"),
    ({"levels__0__kinds": ["stem_2d"]}, "levels[0]: block 'block': kind 'stem_2d' on level 1"),
    ({"levels__0__kinds": ["interleaved_bottleneck"]}, "intermediate_channels is None; it is an"),
    ({"levels__0__block": 3}, "levels[0].block is no field; the fields are kinds, blocks, "),
    ({"levels__0__channels": [8, 8]}, "levels[0].channels is [8, 8]; it is a list of diff"),
    ({"levels__0__channels": [4]}, "levels[0].channels has 4, which min_channels or allowed"),
    ({"levels__0__allowed_channels": [8]}, "levels[0].channels has 16, which min_channels or allo"),
    ({"levels__0__max_blocks": 1}, "levels[0].max_blocks is 1; blocks is 2"),
    ({"levels__1__spatial_strides": [3]}, "levels[1].spatial_strides has 3; strides are power"),
    ({"levels__1": 3}, "levels[1] is 3; it is an object"),
    ({"temporal_dilations": []}, "temporal_dilations is []; it is a list of different integers"),
    ({"connection_probability": 1.5}, "connection_probability is 1.5; it is a number from 0 to 1"),
    ({"initial_splits": [2, 1]}, "initial_splits is [2, 1]; it is two integers, [least, most]"),
    ({"max_operators": -1}, "max_operators is -1; it is an integer of at least 0"),
    ({"min_depth": 5}, "min_depth is 5; 4 levels allow 4 at most"),
    ({"max_stride": 8}, "max_stride is 8; the least strides of stems and levels make 16"),
    ({"max_params": 5, "min_params": 6}, "min_params is 6, above max_params, 5"),
    ({"max_param": 5}, "max_param is no field; the fields are name, stems, levels, "),
  ],
)
def test_a_wrong_field_is_named(changes, text):
  with pytest.raises(UserError) as error:
    SearchSpace.from_json(broken(**changes))
  assert text in str(error.value)


@pytest.mark.parametrize(
  "value", [10**9, 10**400, -1, 0, True, 1.0, float("nan"), float("inf"), None, [], {}, "8"]
)
@pytest.mark.parametrize(
  "field",
  [
    "levels__0__blocks",
    "levels__0__min_channels",
    "levels__0__modules",
    "levels__0__channels",
    "levels__0__spatial_strides",
    "stems__0__0__channels",
    "stems__0__0__spatial_stride",
    "temporal_dilations",
    "initial_splits",
    "initial_merges",
    "min_depth",
    "connection_probability",
  ],
)
def test_what_no_network_has_is_refused_with_its_field(field, value):
  if value == 0 and "initial" in field or field == "connection_probability" and value in (0, 1.0):
    return
  *_, name = field.split("__")
  for given in (value, [value], [value, value]):
    with pytest.raises(UserError) as error:
      SearchSpace.from_json(broken(**{field: given}))
    assert f"{name} " in str(error.value) and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
  "changes, text",
  [
    (
      {"levels__0__blocks": 10**9},
      "levels[0].blocks is 1000000000; it is an integer of at least 1 and at most 64",
    ),
    ({"levels__1__channels": [10**9]}, "of at least 1 and at most 65536, from 1 to 64 of them"),
    ({"temporal_dilations": list(range(1, 100))}, "from 1 to 64 of them"),
    ({"initial_splits": [0, 10**9]}, "two integers, [least, most], of at most 64"),
    ({"max_operators": 10**9}, "max_operators is 1000000000; it is an integer of at least 0 and "),
    ({"max_params": 10**30}, "of at least 1 and at most 1000000000000000000"),
    ({"max_flops": True}, "max_flops is true; it is an integer"),
    ({"levels__0__max_blocks": 10**9}, "levels[0].max_blocks is 1000000000; it is"),
  ],
)
def test_a_limit_is_named(changes, text):
  with pytest.raises(UserError) as error:
    SearchSpace.from_json(broken(**changes))
  assert text in str(error.value)


def test_levels_and_blocks_are_limited_in_all():
  data = load_space("small").to_json()
  with pytest.raises(UserError, match="levels is .*; it is a list that is not empty, of at most"):
    SearchSpace.from_json({**data, "levels": data["levels"] * 9})
  wide = [{**level, "blocks": 64} for level in data["levels"]]
  with pytest.raises(UserError, match="levels have 258 blocks in all, with initial_splits; 128"):
    SearchSpace.from_json({**data, "levels": wide})


def test_a_file_of_too_many_brackets_is_no_json_to_us(tmp_path):
  (tmp_path / "mine.json").write_text("[" * 100_000)
  with pytest.raises(UserError, match="cannot read it as JSON"):
    load_space(str(tmp_path / "mine.json"))


def test_a_missing_field_is_named():
  data = load_space("small").to_json()
  del data["levels"][1]["modules"]
  with pytest.raises(UserError, match=r"^levels\[1\]\.modules is missing$"):
    SearchSpace.from_json(data)


def test_without_flow_the_rgb_stems_are_left():
  space = load_space("small").restricted_to(["rgb"])
  assert space.streams == ("rgb",)
  assert [[stem.channels for stem in stems] for stems in space.stems] == [[16], [8, 8]]


def test_without_any_known_stream_there_is_no_space():
  with pytest.raises(
    UserError,
    match="search space 'small' has no stem that reads only depth; its stems read flow, rgb",
  ):
    load_space("small").restricted_to(["depth"])


def test_auto_makes_a_stem_for_each_stream_of_the_dataset(tmp_path):
  data = load_space("small").to_json() | {"stems": "auto"}
  path = tmp_path / "space.json"
  path.write_text(json.dumps(data))
  space = load_space(str(path))
  assert space.to_json()["stems"] == "auto"
  (stems,) = space.restricted_to(["spectrum", "flow"]).stems
  found = [(stem.kind, stem.streams, stem.channels, stem.spatial_stride) for stem in stems]
  assert found == [("stem_2d", ("flow",), 16, 2), ("stem_2plus1d", ("spectrum",), 16, 2)]
  with pytest.raises(UserError, match="'small' has a stem for each stream, and there are 0"):
    space.restricted_to([])
  with pytest.raises(UserError, match="a stem for each stream of a dataset, and none is given"):
    random_generation.random_architecture(space, np.random.default_rng(0))


def test_merges_across_kinds_are_written_only_if_they_are_wanted():
  small = load_space("small")
  assert "merges_across_kinds" not in small.to_json()
  assert SearchSpace.from_json({**small.to_json(), "merges_across_kinds": False}) == small
  wanted = SearchSpace.from_json({**small.to_json(), "merges_across_kinds": True})
  assert wanted.to_json()["merges_across_kinds"] is True
  with pytest.raises(UserError, match='merges_across_kinds is "yes"; it is true or false'):
    SearchSpace.from_json({**small.to_json(), "merges_across_kinds": "yes"})
