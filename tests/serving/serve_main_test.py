"""tools/serve.py as a process on a real export, asked by REST, gRPC, the client, and the page."""

from collections.abc import Iterator
import dataclasses
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import av
import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data_prep.common import cli
from official.serving import client
from official.serving import messages
from official.serving import saved_model
from tests.reports import browser
from tests.tools import loaded_mains

serve = loaded_mains.load("tools.serve")
ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class _Serving:
  """A server: its folder, its addresses, and its process."""

  base: pathlib.Path
  grpc: str
  rest: str
  process: subprocess.Popen


def _command(*arguments: str) -> list[str]:
  return [sys.executable, "-m", "tools.serve", "--port=0", "--rest_api_port=0", *arguments]


@pytest.fixture(scope="module")
def serving(exported, tmp_path_factory) -> Iterator[_Serving]:
  base = tmp_path_factory.mktemp("served") / "export"
  shutil.copytree(exported, base / "1")
  process = subprocess.Popen(
    _command("--max_request_mb=1", str(base)), cwd=ROOT, stderr=subprocess.PIPE, text=True
  )
  said = ""
  while "Ctrl-C ends" not in said and (line := process.stderr.readline()):
    said += line
  found = re.search(r"gRPC on (\S+), REST on (http://[^/]+)/", said)
  assert found, said
  try:
    yield _Serving(base, found[1], found[2], process)
  finally:
    process.kill()
    process.wait()
    process.stderr.close()


def _get(url: str, body: bytes | None = None, **headers: str) -> bytes:
  request = urllib.request.Request(url, body, headers)
  with urllib.request.urlopen(request, timeout=60) as response:
    return response.read()


@pytest.fixture(scope="module")
def expected(exported, encoded):
  """What the SavedModel says of the clip, by TensorFlow's C API in a fresh process."""
  frames = np.empty((1, len(encoded)), object)
  frames[0] = encoded
  calls = [("encoded_frames", {"frames": frames})]
  return saved_model.run(saved_model.Version(exported), calls)[0]["outputs"]


@pytest.mark.slow
def test_rest_grpc_and_the_client_give_the_answers_of_the_savedmodel(serving, encoded, expected):
  for server in (serving.grpc, serving.rest):
    endpoint = client.Endpoint(server=server, model="video", signature="encoded_frames", version=1)
    classes, scores = client.ask(endpoint, encoded)
    assert classes == [name.decode() for name in expected["classes"][0]]
    np.testing.assert_allclose(scores, expected["scores"][0], rtol=1e-5)


@pytest.mark.slow
def test_rows_by_rest_have_an_object_per_clip(serving, frames, expected):
  body = json.dumps({"instances": [frames.tolist(), frames.tolist()]}).encode()
  found = json.loads(_get(f"{serving.rest}/v1/models/video:predict", body))["predictions"]
  assert [sorted(row) for row in found] == [["classes", "probabilities", "scores"]] * 2
  for row in found:
    np.testing.assert_allclose(row["probabilities"], expected["probabilities"][0], rtol=1e-5)


@pytest.mark.slow
def test_metadata_and_status_by_rest_and_grpc(serving):
  url = f"{serving.rest}/v1/models/video"
  found = json.loads(_get(f"{url}/metadata"))
  assert found["model_spec"] == {"name": "video", "version": "1", "signature_name": ""}
  signatures = found["metadata"]["signature_def"]["signature_def"]
  frames = signatures["serving_default"]["inputs"]["frames"]
  assert frames["dtype"] == "DT_UINT8"
  assert [dim["size"] for dim in frames["tensor_shape"]["dim"]] == ["-1", "4", "-1", "-1", "3"]
  with grpc.insecure_channel(serving.grpc) as channel:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "video"
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    packed = service.GetModelMetadata(request, timeout=60).metadata["signature_def"]
    by_grpc = get_model_metadata_pb2.SignatureDefMap()
    packed.Unpack(by_grpc)
    assert sorted(by_grpc.signature_def) == sorted(signatures)
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "video"
    status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(asked, timeout=60)
  (one,) = status.model_version_status
  assert (one.version, one.State.Name(one.state), one.status.error_code) == (1, "AVAILABLE", 0)
  (by_rest,) = json.loads(_get(url))["model_version_status"]
  assert (by_rest["version"], by_rest["state"]) == ("1", "AVAILABLE")


@pytest.mark.slow
def test_grpc_refuses_with_the_status_of_tensorflow_serving(serving, encoded):
  clip = {"frames": np.array([encoded], object)}
  bomb = predict_pb2.PredictRequest()
  bomb.model_spec.name = "video"
  bomb.inputs["frames"].dtype = tf.uint8.as_datatype_enum
  bomb.inputs["frames"].int_val.append(7)
  bomb.inputs["frames"].tensor_shape.dim.add(size=1 << 50)
  large = {"frames": np.zeros((1, 4, 600, 600, 3), np.uint8)}
  cases = [
    (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    (messages.predict_request("no", "", clip), "NOT_FOUND", "request: Latest(no)"),
    (messages.predict_request("video", "", clip, 7), "NOT_FOUND", "Specific(video, 7)"),
    (messages.predict_request("video", "no", clip), "FAILED_PRECONDITION", 'key "no" not found.'),
    (messages.predict_request("video", "", {}), "INVALID_ARGUMENT", "input size does not match"),
    (bomb, "INVALID_ARGUMENT", "more than were sent"),
    (messages.predict_request("video", "", large), "RESOURCE_EXHAUSTED", "larger than max"),
  ]
  with grpc.insecure_channel(serving.grpc) as channel:
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    for request, code, words in cases:
      with pytest.raises(grpc.RpcError) as refused:
        service.Predict(request, timeout=60)
      assert refused.value.code().name == code
      assert words in refused.value.details()


def _video(path: pathlib.Path, frames: np.ndarray) -> pathlib.Path:
  """Writes a video of two windows of the network."""
  with av.open(str(path), "w") as container:
    stream = container.add_stream("mjpeg", rate=10)
    stream.width, stream.height, stream.pix_fmt = 40, 30, "yuvj420p"
    for frame in [*frames, *frames[:2]]:
      image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
      container.mux(stream.encode(image))
    container.mux(stream.encode())
  return path


@pytest.mark.slow
def test_the_page_asks_about_every_window_of_a_video(serving, frames, tmp_path):
  page = _get(serving.rest).decode()
  assert "docker run" in page and ":/models/video" in page and serving.grpc in page
  path = _video(tmp_path / "moves.avi", frames)
  kind = {"Content-Type": "application/octet-stream"}
  lines = _get(f"{serving.rest}/try", path.read_bytes(), **kind).splitlines()
  first, second, last = map(json.loads, lines)
  assert [(part["start"], part["end"]) for part in (first, second)] == [(0.0, 0.4), (0.2, 0.6)]
  assert len(first["classes"]) == len(first["scores"]) == 4
  assert last == {"done": 2, "more": False}
  (wrong,) = map(json.loads, _get(f"{serving.rest}/try", b"no video", **kind).splitlines())
  assert wrong == {"error": "Invalid data found when processing input"}


@pytest.mark.slow
def test_a_browser_shows_the_answer_about_a_video_that_is_chosen(serving, frames, tmp_path):
  path = _video(tmp_path / "moves.avi", frames)
  with browser.opened() as page:
    page.open(f"{serving.rest}/")
    chooser = page.call("Runtime.evaluate", expression="document.getElementById('file')")
    page.call("DOM.setFileInputFiles", files=[str(path)], objectId=chooser["result"]["objectId"])
    until = time.monotonic() + 60
    while page.value("document.getElementById('state').textContent") != "2 windows":
      assert time.monotonic() < until
      time.sleep(0.1)
    assert page.value("document.querySelectorAll('#strip img').length") == 2
    assert page.value("document.querySelectorAll('#chart svg path').length") == 4
    assert "in the mean over all windows" in page.value("answer.textContent")
    assert page.value("document.title") == "Try video"
    assert page.errors == []
    own = [address for address in page.requests if not address.startswith("data:")]
    assert own == [f"{serving.rest}/", f"{serving.rest}/try"]


@pytest.mark.slow
def test_a_new_version_is_followed_and_ctrl_c_ends_the_server(serving, encoded, exported):
  shutil.copytree(exported, serving.base / "writing-2")
  (serving.base / "writing-2").rename(serving.base / "2")
  url = f"{serving.rest}/v1/models/video"
  endpoint = client.Endpoint(server=serving.rest, model="video", signature="encoded_frames")
  states = {}
  deadline = time.monotonic() + 120
  while states.get("2") != "AVAILABLE" and time.monotonic() < deadline:
    client.ask(endpoint, encoded)  # The old version answers meanwhile.
    found = json.loads(_get(url))["model_version_status"]
    states = {one["version"]: one["state"] for one in found}
  assert states["2"] == "AVAILABLE"
  client.ask(dataclasses.replace(endpoint, version=2), encoded)
  serving.process.send_signal(signal.SIGINT)
  assert serving.process.wait(60) == 0
  assert serving.process.stderr.read().splitlines()[-1].endswith("stopped")


def test_a_mistake_is_one_line(tmp_path):
  done = subprocess.run(_command(str(tmp_path)), cwd=ROOT, capture_output=True, text=True)
  assert (done.returncode, done.stderr.splitlines()[1:]) == (2, [])
  assert f"{tmp_path} holds no version, which is a folder whose name is a number" in done.stderr


def test_where_there_is_no_version_it_says_what_to_name(tmp_path):
  (tmp_path / "export" / "1").mkdir(parents=True)
  (tmp_path / "export" / "1" / "saved_model.pb").touch()
  for given, words in (
    (tmp_path / "none", "there is no folder"),
    (tmp_path, f"name its export: {tmp_path}/export"),
    (tmp_path / "export" / "1", f"name the folder around it: {tmp_path}/export"),
  ):
    assert words in serve._without_versions(str(given))


def test_wrong_arguments_name_the_remedy():
  with pytest.raises(cli.UserError, match="such as RUN/export; 2 are given"):
    serve._base(["a", "b"])
  with pytest.raises(cli.UserError, match="--version_labels=stable is no label; write LABEL="):
    serve._labels(["stable"])
  assert serve._labels(["stable=1", "canary=2"]) == {"stable": 1, "canary": 2}
