"""Exported networks: what a server finds, and that it computes what Keras computes."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import serialization
from official.serving import exporter
from official.serving import frames as frames_lib
from official.serving import saved_model
from official.serving import warm_up
from official.tasks import registry


def _text(*clips: list[bytes]) -> np.ndarray:
  """Returns a string tensor [clips, frames]."""
  values = np.empty((len(clips), len(clips[0])), object)
  for i, clip in enumerate(clips):
    values[i] = clip
  return values


def _streams(batch: int) -> dict[str, np.ndarray]:
  rng = np.random.default_rng(0)
  return {
    "rgb": rng.uniform(-1, 1, (batch, 4, 16, 16, 3)).astype(np.float32),
    "flow": rng.normal(0, 2, (batch, 4, 16, 16, 2)).astype(np.float32),
  }


@pytest.fixture(scope="module")
def answers(version, frames, encoded):
  """The answers of each signature to a batch of three clips, and to each of them alone."""
  clips = np.stack([frames, frames[::-1], frames[:, ::-1]])
  text = _text(encoded, encoded[::-1], [encoded[0]] * 4)
  batches = [
    ("serving_default", {"frames": clips}),
    ("encoded_frames", {"frames": text}),
    ("streams", _streams(3)),
  ]
  singles = [
    (name, {key: values[i : i + 1] for key, values in inputs.items()})
    for name, inputs in batches
    for i in range(3)
  ]
  found = saved_model.run(version, [*batches, *singles])
  assert not [answer["error"] for answer in found if "error" in answer]
  outputs = [answer["outputs"] for answer in found]
  return {name: (outputs[i], outputs[3 + 3 * i : 6 + 3 * i]) for i, (name, _) in enumerate(batches)}


def test_streams_are_answered_without_python_as_keras_does(answers, model, info):
  answer, _ = answers["streams"]
  expected = tf.nn.softmax(model(_streams(3), training=False)).numpy()
  np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)
  best = [info.classes[i].encode() for i in expected.argmax(1)]
  assert answer["classes"][:, 0].tolist() == best
  np.testing.assert_allclose(answer["scores"], -np.sort(-expected, 1), atol=1e-4)


def test_frames_are_answered_without_python_as_keras_does(answers, model, info, frames):
  answer, _ = answers["serving_default"]
  clip = frames_lib.clip_format(model.input, info)
  streams = frames_lib.to_streams(tf.constant(frames), clip)
  expected = tf.nn.softmax(model({name: v[tf.newaxis] for name, v in streams.items()}))
  np.testing.assert_allclose(answer["probabilities"][:1], expected, atol=1e-4)


def test_encoded_frames_are_answered_as_frames_are(answers):
  plain, encoded = answers["serving_default"][0], answers["encoded_frames"][0]
  np.testing.assert_array_equal(plain["probabilities"][:2], encoded["probabilities"][:2])


@pytest.mark.parametrize("signature", ["serving_default", "encoded_frames", "streams"])
def test_a_batch_is_answered_like_its_clips_one_by_one(answers, signature):
  batch, singles = answers[signature]
  alone = np.concatenate([single["probabilities"] for single in singles])
  np.testing.assert_allclose(batch["probabilities"], alone, atol=1e-6)
  assert np.ptp(alone, axis=0).max() > 1e-3  # the clips do differ


def test_what_is_wrong_with_a_request_is_said(version, frames, encoded):
  errors = [
    answer.get("error")
    for answer in saved_model.run(
      version,
      [
        ("serving_default", {"frames": frames[np.newaxis, :3]}),
        ("serving_default", {"frames": frames[np.newaxis].astype(np.float32)}),
        ("encoded_frames", {"frames": _text(encoded[:3])}),
        ("encoded_frames", {"frames": _text([*encoded[:3], encoded[3][:50]])}),
        ("streams", {"rgb": _streams(1)["rgb"], "flow": _streams(1)["flow"][:, :, :8]}),
        ("serving_default", {"frames": frames[np.newaxis][:0]}),
        ("encoded_frames", {"frames": _text(encoded)[:0]}),
        ("streams", {name: stream[:0] for name, stream in _streams(1).items()}),
      ],
    )
  ]
  for error, words in zip(
    errors,
    (
      "[1,3,30,40,3] is not compatible with expected shape [?,4,?,?,3]",
      "uint8",
      "[1,3] is not compatible with expected shape [?,4]",
      "PNG",
      "[1,4,8,16,2] is not compatible with expected shape [?,4,16,16,2]",
      *["the batch is empty; send one clip or more"] * 3,
    ),
    strict=True,
  ):
    assert error is not None and words in error


def test_carries_labels_architecture_and_what_a_clip_is(version, info, architecture):
  assert version.classes == list(info.classes)
  assert version.clip["num_frames"] == 4
  assert version.clip["fps"] == 10.0
  assets = pathlib.Path(version.path, "assets")
  assert json.loads(assets.joinpath("architecture.json").read_text()) == architecture


def test_warms_up_with_a_real_clip(version, frames, encoded):
  requests = dict(warm_up.read(version.path))
  np.testing.assert_array_equal(requests["encoded_frames"]["frames"], _text(encoded))
  np.testing.assert_array_equal(requests["serving_default"]["frames"], frames[np.newaxis])


def test_a_picture_of_the_network_with_its_weights_lies_beside_the_card(exported, model):
  picture = pathlib.Path(exported, "net.svg").read_text(encoding="utf-8")
  for (source, target), weight in network.connection_weights(model).items():
    assert f"{source} to {target}: weight {weight:.3f}" in picture
  card = pathlib.Path(exported, "model_card.md").read_text(encoding="utf-8")
  assert "](net.svg)" in card


def test_the_model_card_says_what_it_is(exported):
  card = pathlib.Path(exported, "model_card.md").read_text(encoding="utf-8")
  for words in (
    "Video classifier of 4 classes",
    "carry, drop, über, wave",
    "| `serving_default` | `frames` | uint8 [batch, 4, height, width, 3] | RGB |",
    "4 consecutive frames at 10 frames a second",
    "| validation | 0.7500 | 1.0000 | 0.5000 |",
    "1,234 parameters",
    "Candidates of the search: 000007.",
    "| steps | 20 |",
  ):
    assert words in card


@pytest.fixture(scope="module")
def blind_to_flow(architecture):
  """A network that reads one of the two streams, and its architecture."""
  alone = dict(architecture)
  alone["blocks"] = [block for block in alone["blocks"] if block["id"] != "flow_0"]
  alone["connections"] = [c for c in alone["connections"] if c["source"] != "flow_0"]
  tf.keras.utils.set_random_seed(4)
  built = network.build_network(
    serialization.from_json(alone),
    streams={"rgb": 3},
    num_frames=4,
    height=16,
    width=16,
    num_classes=4,
  )
  return built, alone


def test_an_ensemble_answers_with_the_mean_of_its_members(
  model, blind_to_flow, architecture, frames, export_to, info, tmp_path
):
  other, alone = blind_to_flow
  path = export_to(
    tmp_path,
    exporter.Ensemble([other, model], task=registry.DEFAULT),
    architectures=(alone, architecture),
  )
  loaded = tf.saved_model.load(path)
  streams = {name: tf.constant(values) for name, values in _streams(3).items()}
  expected = (tf.nn.softmax(model(streams)) + tf.nn.softmax(other({"rgb": streams["rgb"]}))) / 2
  answer = loaded.signatures["streams"](**streams)
  np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
  both = frames_lib.to_streams(tf.constant(frames), frames_lib.clip_format(model.input, info))
  batch = {name: values[tf.newaxis] for name, values in both.items()}
  expected = (tf.nn.softmax(model(batch)) + tf.nn.softmax(other({"rgb": batch["rgb"]}))) / 2
  answer = loaded.signatures["serving_default"](frames=frames[np.newaxis])
  np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)
