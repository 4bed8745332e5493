"""tools/serve_client.py against a PredictionService, and official.predict, on one video."""

import csv
import pathlib
import subprocess
import sys

import av
import numpy as np
import pytest

from official.serving import prediction
from official.serving import windows
from tests.serving import prediction_service

ROOT = pathlib.Path(__file__).parents[2]


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
  return prediction_service.Service("video", exported)


@pytest.fixture(scope="module")
def expected(service, video):
  """The best class of every window, from its frames."""
  found = windows.each(lambda w: w.frames, video, fps=10.0, size=4)
  return [
    service.predict("video", "serving_default", {"frames": clip[np.newaxis]})["classes"][0, 0]
    for clip in found
  ]


def _main(module: str, *arguments: str) -> subprocess.CompletedProcess:
  command = [sys.executable, "-m", module, *arguments]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def _client(*arguments: str) -> subprocess.CompletedProcess:
  return _main("tools.serve_client", "--num_frames=4", *arguments)


@pytest.mark.parametrize("serve", [prediction_service.by_grpc, prediction_service.by_rest])
def test_the_client_prints_the_classes_of_every_window(serve, service, video, expected):
  with serve(service) as address:
    done = _client(f"--server={address}", video)
  assert done.returncode == 0, done.stderr
  first, second = done.stdout.splitlines()
  assert first.startswith(f"{video} 0.00-0.40 s: {expected[0].decode()} 0.")
  assert second.startswith(f"{video} 0.20-0.60 s: {expected[1].decode()} 0.")


@pytest.mark.parametrize("flag, words", [
  ("--model=nobody", "NOT_FOUND: Servable not found"),
  ("--signature=none", 'FAILED_PRECONDITION: Serving signature key "none" not found'),
  ("--signature=streams", "INVALID_ARGUMENT: input keys"),
  ("--num_frames=3", "[1,3] is not compatible with expected shape [?,4]"),
])
def test_the_client_says_what_the_server_refuses(service, video, flag, words):
  with prediction_service.by_grpc(service) as address:
    done = _client(f"--server={address}", flag, video)
  assert done.returncode == 2
  assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_client_says_that_there_is_no_server(video):
  done = _client("--server=http://127.0.0.1:1", video)
  assert done.returncode == 2
  assert "answers no answer" in done.stderr and "Connection refused" in done.stderr


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


@pytest.mark.parametrize("arguments, words", [
  (["--output=a.csv", "a.avi"], "--saved_model is missing"),
  (["--saved_model=/nowhere/1", "--output=a.csv", "a.avi"], "/nowhere/1 holds no saved_model.pb"),
])
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
