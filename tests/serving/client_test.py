"""tools/serve_client.py against the trial server, and official.predict, on one video."""

import csv
import pathlib
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest

from data_prep.common import cli
from official.serving import client
from official.serving import prediction
from official.serving import saved_model
from official.serving import windows
from tests.serving import prediction_service

ROOT = pathlib.Path(__file__).parents[2]
_SERVERS = pytest.mark.parametrize(
  "serve", [prediction_service.by_grpc, prediction_service.by_rest]
)


@pytest.fixture(scope="module")
def video(frames, tmp_path_factory):
  """Six frames at 10 frames a second."""
  path = tmp_path_factory.mktemp("video") / "moves.avi"
  with av.open(str(path), "w") as container:
    stream = container.add_stream("mjpeg", rate=10)
    stream.width, stream.height, stream.pix_fmt = 40, 30, "yuvj420p"
    for frame in [*frames, *frames[:2]]:
      image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
      container.mux(stream.encode(image))
    container.mux(stream.encode())
  return str(path)


@pytest.fixture(scope="module")
def service(exported):
  return prediction_service.model("video", exported)


@pytest.fixture(scope="module")
def expected(service, video):
  """The best class of every window, from its frames."""
  found = windows.each(lambda w: w.frames, video, fps=10.0, size=4)
  return [
    service.get("video").predict("", {"frames": clip[np.newaxis]})["classes"][0, 0]
    for clip in found
  ]


def _main(module: str, *arguments: str) -> subprocess.CompletedProcess:
  command = [sys.executable, "-m", module, *arguments]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def _client(*arguments: str) -> subprocess.CompletedProcess:
  return _main("tools.serve_client", "--num_frames=4", *arguments)


@_SERVERS
def test_the_client_prints_the_classes_of_every_window(serve, service, video, expected):
  with serve(service) as address:
    done = _client(f"--server={address}", video)
  assert done.returncode == 0, done.stderr
  first, second = done.stdout.splitlines()
  assert first.startswith(f"{video} 0.00-0.40 s: {expected[0].decode()} 0.")
  assert second.startswith(f"{video} 0.20-0.60 s: {expected[1].decode()} 0.")


def _refusal(server: str, images: list[bytes], model="video", signature="encoded_frames") -> str:
  """Returns what the client says when it cannot ask about a clip."""
  endpoint = client.Endpoint(server=server, model=model, signature=signature)
  with pytest.raises(cli.UserError) as error:
    client.ask(endpoint, images)
  return str(error.value)


@_SERVERS
@pytest.mark.parametrize(
  "asked, words",
  [
    ({"model": "nobody"}, ["Servable not found for request: Latest(nobody)"] * 2),
    ({"signature": "none"}, ['Serving signature key "none"', 'Serving signature name: "none"']),
    (
      {"signature": "streams"},
      ["Sent extra: {frames}. Missing but required: {flow,rgb}", "Missing named input: flow"],
    ),
    (
      {"signature": "serving_default"},
      ["Expects arg[0] to be uint8 but string is", "Object is not of expected type: uint8"],
    ),
  ],
)
def test_the_client_says_what_the_server_refuses(serve, service, encoded, asked, words):
  with serve(service) as address:
    assert words["://" in address] in _refusal(address, encoded, **asked)


@_SERVERS
def test_the_client_says_that_a_clip_has_another_length(serve, service, encoded):
  with serve(service) as address:
    said = _refusal(address, encoded[:3])
  assert "[1,3] is not compatible with expected shape [?,4]" in said


@_SERVERS
def test_the_client_says_that_an_image_is_corrupt(serve, service, encoded):
  _, jpeg = cv2.imencode(".jpg", np.zeros((30, 40, 3), np.uint8))
  with serve(service) as address:
    said = _refusal(address, [*encoded[:3], jpeg.tobytes()[:200]])
  assert "JPEG" in said


def test_the_client_says_that_there_is_no_rest_server(service, encoded):
  assert "Connection refused" in _refusal("http://127.0.0.1:1", encoded)
  with prediction_service.by_grpc(service) as address:
    assert "answers nothing that is REST" in _refusal(f"http://{address}", encoded)


@_SERVERS
def test_what_the_client_says_is_one_line(serve, service, video):
  with serve(service) as address:
    done = _client(f"--server={address}", "--num_frames=3", video)
  assert done.returncode == 2
  assert len(done.stderr.splitlines()) == 1
  assert "[1,3] is not compatible with expected shape [?,4]" in done.stderr


@pytest.mark.parametrize(
  "serve",
  [
    pytest.param(prediction_service.by_grpc, marks=pytest.mark.slow),
    prediction_service.by_rest,
  ],
)
def test_the_client_answers_what_it_can_and_writes_a_csv(
  serve, service, video, expected, tmp_path, shared_data
):
  (tmp_path / "broken.avi").write_bytes(b"no video")
  (tmp_path / "._a.avi").touch()
  thin = str(shared_data / "reported_cases" / "thin_1024x48.mp4")
  output = tmp_path / "answers.csv"
  with serve(service) as address:
    arguments = [f"--server={address}", f"--output={output}", str(tmp_path), thin, video]
    done = _client(*arguments)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    content = output.read_bytes()
    again = _client(*arguments)
  bad, limited, good = csv.DictReader(content.decode().splitlines())
  assert "Invalid data" in bad["error"] and "one side is more than 16" in limited["error"]
  assert (good["path"], good["end"], good["windows"]) == (video, "0.600", "2")
  assert good["class"].encode() in expected
  assert "2 of 3 videos could not be read" in done.stderr
  assert (again.returncode, again.stdout, output.read_bytes()) == (0, "", content)


@pytest.mark.parametrize(
  "server",
  [
    pytest.param("127.0.0.1:1", marks=pytest.mark.slow),
    "http://127.0.0.1:1",
  ],
)
def test_a_server_that_is_away_ends_the_run_with_one_line(server, video, tmp_path):
  done = _client(f"--server={server}", f"--output={tmp_path / 'a.csv'}", video)
  assert done.returncode == 2
  assert f"the server {server} answers" in done.stderr and len(done.stderr.splitlines()) == 1
  assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
  "code, one_at_first, one_later",
  [
    ("UNAVAILABLE", False, False),
    ("NOT_FOUND", False, False),
    ("503", False, False),
    ("INVALID_ARGUMENT", False, True),
    ("400", False, True),
    ("RESOURCE_EXHAUSTED", True, True),
    ("DEADLINE_EXCEEDED", True, True),
    ("413", True, True),
  ],
)
def test_a_refusal_concerns_one_clip_or_all(code, one_at_first, one_later):
  refused = client.Refused("", code)
  assert refused.concerns_one(answered=False) == one_at_first
  assert refused.concerns_one(answered=True) == one_later


def test_predict_says_one_line_of_a_mistake_about_a_good_network(exported, video, tmp_path):
  done = _main(
    "official.predict",
    f"--saved_model={exported}",
    f"--output={tmp_path}/a.csv",
    "--split=test",
    video,
  )
  assert done.returncode == 2
  assert done.stderr == "error: --split needs --manifest, which says what is in it\n"


@pytest.mark.slow
def test_predict_compares_with_a_manifest(exported, video, tmp_path, info):
  right = prediction.Predictor(saved_model.Version(exported))(video)
  right = info.classes[np.argmax(prediction.of_whole(right).probabilities)]
  wrong = next(name for name in info.classes if name != right)
  (tmp_path / "m.csv").write_text(
    f"path,label,split,start,end\n{video},{right},test,,\n{video},{wrong},train,,0.3\n"
    "gone.avi,drop,test,,\n"
  )
  output = tmp_path / "a.csv"
  done = _main(
    "official.predict",
    f"--saved_model={exported}",
    f"--output={output}",
    f"--manifest={tmp_path / 'm.csv'}",
  )
  assert done.returncode == 0, done.stderr
  with output.open(encoding="utf-8") as file:
    whole, part, gone = csv.DictReader(file)
  assert (whole["label"], whole["verdict"], whole["padded"]) == (right, "right", "0")
  assert (part["start"], part["end"], part["padded"]) == ("0.000", "0.300", "1")
  assert gone["error"] == "No such file or directory"
  assert done.stdout.splitlines()[0].startswith("accuracy: ")
  assert "[3/3]" in done.stderr and f"[1/3] {video}: {right} 0." in done.stderr
  refused = _main("official.predict", f"--saved_model={exported}", f"--output={output}", video)
  assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1
  assert "with the columns clip_id, label, split, verdict; give another" in refused.stderr


def test_predict_writes_a_row_a_video_and_lists_what_is_broken(exported, video, tmp_path, info):
  (tmp_path / "broken.avi").write_bytes(b"no video")
  output = tmp_path / "answers.csv"
  done = _main(
    "official.predict", f"--saved_model={exported}", f"--output={output}", video, str(tmp_path)
  )
  assert done.returncode == 0, done.stderr
  assert "1 of 2 videos could not be read" in done.stderr
  with output.open(encoding="utf-8") as file:
    good, bad = csv.DictReader(file)
  assert (good["path"], good["start"], good["end"], good["error"]) == (video, "0.000", "0.600", "")
  scores = {name: float(good[f"probability of {name}"]) for name in info.classes}
  assert sum(scores.values()) == pytest.approx(1, abs=1e-3)
  assert good["class"] == max(scores, key=scores.get)
  assert bad["path"].endswith("broken.avi") and "Invalid data" in bad["error"]
  assert not bad["class"]


@pytest.mark.parametrize(
  "arguments, words",
  [
    (["--output=a.csv", "a.avi"], "--saved_model is missing"),
    (["--saved_model=/nowhere/1", "--output=a.csv", "a.avi"], "/nowhere/1 holds no saved_model.pb"),
    (["--saved_model=/nowhere/1", "--output=/nowhere/a.csv"], "there is no folder /nowhere"),
  ],
)
def test_predict_says_what_is_wrong(arguments, words):
  done = _main("official.predict", *arguments)
  assert done.returncode == 2
  assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_predictions_of_windows_average_to_that_of_the_video(version, video, expected):
  parts = prediction.Predictor(version)(video)
  assert [(part.start, part.end) for part in parts] == [(0.0, 0.4), (0.2, 0.6)]
  assert [version.classes[np.argmax(p.probabilities)].encode() for p in parts] == expected
  whole = prediction.of_whole(parts)
  np.testing.assert_allclose(
    whole.probabilities, (parts[0].probabilities + parts[1].probabilities) / 2
  )
