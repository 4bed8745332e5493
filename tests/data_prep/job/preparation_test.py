"""A whole preparation, in this process, with one worker."""

import dataclasses
import json
import multiprocessing
import random
import shutil
import signal
import time

import pytest

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import progress
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.job import folder
from data_prep.job import preparation

SETTINGS = clip_examples.Settings(fps=10, short_side=24)
ONE_WORKER = preparation.Operation(
  isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
)


@pytest.fixture(scope="module")
def prepared(manifest, tmp_path_factory):
  """The folder of the session's manifest, prepared; not to be changed."""
  folder = tmp_path_factory.mktemp("job") / "data"
  preparation.prepare(str(manifest), str(folder), SETTINGS, num_shards=2, operation=ONE_WORKER)
  return folder


def read(directory, split):
  """Returns the parsed clips of a split."""
  return [clip for path in metadata.shard_paths(str(directory), split) for clip in read_file(path)]


def read_file(path):
  """Returns the parsed clips of a shard."""
  with files.open_to_read(str(path)) as file:
    return [records.parse(record) for record in records.read_records(file)]


def test_dataset_json_says_what_is_there(prepared):
  info = metadata.load(str(prepared))
  assert info.classes == ("left", "right")
  assert info.streams == SETTINGS.streams
  assert info.splits == {
    "train": metadata.SplitInfo(clips=3, frames=21, shards=2),
    "validation": metadata.SplitInfo(clips=1, frames=9, shards=1),
    "test": metadata.SplitInfo(clips=2, frames=21, shards=2),
  }
  assert (info.fps, info.short_side, info.failures, info.multi_label) == (10, 24, 1, False)
  assert info.settings == {
    "fps": 10,
    "short_side": 24,
    "flow": "tvl1",
    "flow_profile": "fast",
    "flow_format": "png",
    "flow_bound": 20.0,
    "max_clip_seconds": 300.0,
    "max_frames": 100_000,
    "max_megapixels": 35.0,
    "max_megabytes": 500.0,
    "window_seconds": 0.0,
    "stride_seconds": 0.0,
    "num_shards": 2,
  }
  assert set(info.versions) == {"av", "ffmpeg", "opencv", "tvl1"}


def test_only_the_dataset_is_left_in_the_folder(prepared):
  assert sorted(path.name for path in prepared.iterdir()) == [
    "dataset.json",
    "failures.jsonl",
    "test-00000-of-00002.tfrecord",
    "test-00001-of-00002.tfrecord",
    "train-00000-of-00002.tfrecord",
    "train-00001-of-00002.tfrecord",
    "validation-00000-of-00001.tfrecord",
  ]


def test_every_good_clip_is_in_its_split_with_its_label(prepared):
  labels = {
    split: {
      context["example/id"][0]: context["clip/label/index"] for context, _ in read(prepared, split)
    }
    for split in metadata.SPLITS
  }
  assert labels == {
    "train": {b"0.mp4": [0], b"1.avi": [1], b"2.mp4": [0]},
    "validation": {b"3.avi": [1]},
    "test": {b"4.mp4": [0], b"5.avi": [1]},
  }


def test_a_bad_video_is_a_line_in_failures(prepared):
  assert (prepared / "failures.jsonl").read_text() == (
    '{"id": "broken.mp4", "path": "broken.mp4", "stage": "decode", '
    '"error": "Invalid data found when processing input"}\n'
  )


def test_tensorflow_reads_the_shards(prepared):
  tf = pytest.importorskip("tensorflow")
  info = metadata.load(str(prepared))
  files_of_split = list(metadata.shard_paths(str(prepared), "train"))
  frames = []
  for record in tf.data.TFRecordDataset(files_of_split).as_numpy_iterator():
    context, lists = tf.io.parse_single_sequence_example(
      record,
      context_features={"clip/label/index": tf.io.VarLenFeature(tf.int64)},
      sequence_features={
        stream.feature: tf.io.FixedLenSequenceFeature([], tf.string)
        for stream in info.streams.values()
      },
    )
    rgb = tf.io.decode_image(lists["image/encoded"][0])
    flow = tf.io.decode_image(lists["FORWARD_FLOW/image/encoded"][0])
    assert rgb.shape == flow.shape == (24, 32, 3)
    frames.append(len(lists["image/encoded"]))
  assert sorted(frames) == [6, 7, 8]


def test_a_finished_folder_is_recognised(prepared, manifest, capsys, content_of):
  before = content_of(prepared)
  preparation.prepare(str(manifest), str(prepared), SETTINGS, num_shards=2, operation=ONE_WORKER)
  assert "is already prepared from this manifest with these flags" in capsys.readouterr().out
  assert content_of(prepared) == before


@pytest.mark.parametrize(
  "settings, num_shards, message",
  [
    (
      clip_examples.Settings(fps=12.5, short_side=24),
      2,
      "with `fps`=10, not `fps`=12.5; give another `directory`, or `overwrite`",
    ),
    (
      clip_examples.Settings(fps=10, short_side=24, flow="none"),
      2,
      "with `flow`=tvl1, not `flow`=none",
    ),
    (
      clip_examples.Settings(fps=10, short_side=24, flow_profile="opencv_default"),
      2,
      "with `flow_profile`=fast, not `flow_profile`=opencv_default",
    ),
    (SETTINGS, 3, "with `num_shards`=2, not `num_shards`=3"),
  ],
)
def test_other_flags_are_refused_by_name(prepared, manifest, settings, num_shards, message):
  with pytest.raises(cli.UserError, match=message):
    preparation.prepare(str(manifest), str(prepared), settings, num_shards=num_shards)


def test_another_manifest_is_refused(prepared, manifest, tmp_path):
  lines = manifest.read_text().splitlines()
  (tmp_path / "m.csv").write_text("\n".join(lines[:-1]))
  with pytest.raises(cli.UserError, match="was prepared from another `manifest`, or from other"):
    preparation.prepare(str(tmp_path / "m.csv"), str(prepared), SETTINGS, num_shards=2)


def test_no_usable_video_leaves_nothing(tmp_path):
  (tmp_path / "a.mp4").write_bytes(b"nothing")
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run,train\nb.mp4,run,test\n")
  with pytest.raises(
    cli.UserError,
    match="no usable video: none of the 2 clips of .*m.csv that "
    "were tried could be used; the first, a.mp4: Invalid data found",
  ):
    preparation.prepare(
      str(tmp_path / "m.csv"), str(tmp_path / "x" / "data"), SETTINGS, operation=ONE_WORKER
    )
  assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "m.csv"]


def test_no_video_is_there_at_all(tmp_path):
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run,train\n")
  with pytest.raises(
    cli.UserError,
    match="no usable video: none of the 1 that .*m.csv lists is there; the first would be .*a.mp4 ",
  ):
    preparation.prepare(str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS)
  assert not (tmp_path / "data").exists()


def test_a_split_without_usable_clips_is_present_with_zeros(tmp_path, write_video):
  write_video(tmp_path / "a.mp4")
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run;jump,train\nb.mp4,run,test\n")
  info = preparation.prepare(
    str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS, operation=ONE_WORKER
  )
  assert info.splits["test"] == metadata.SplitInfo()
  assert not list((tmp_path / "data").glob("test-*"))
  assert info.multi_label
  assert read(tmp_path / "data", "train")[0][0]["clip/label/index"] == [1, 0]


def test_a_class_without_a_usable_train_clip_is_told(tmp_path, write_video, capsys):
  write_video(tmp_path / "a.mp4")
  (tmp_path / "m.csv").write_text(
    "path,label,split,clip_id\na.mp4,run,train,1\nb.mp4,eat,train,2\n"
    "a.mp4,run,test,3\na.mp4,jump,test,4\n"
  )
  preparation.prepare(
    str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS, operation=ONE_WORKER
  )
  assert capsys.readouterr().out.splitlines()[-1] == (
    "warning: 2 of the 3 classes have no usable train clip: eat, jump"
  )


def test_clips_are_counted_by_class_and_leaks_are_told(tmp_path, write_video, capsys):
  write_video(tmp_path / "a.mp4")
  (tmp_path / "link.mp4").symlink_to("a.mp4")
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run,train\nlink.mp4,jump,test\n")
  info = preparation.prepare(
    str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS, operation=ONE_WORKER
  )
  assert info.class_clips == {"train": [0, 1], "validation": [0, 0], "test": [1, 0]}
  assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")] == [
    f"warning: {tmp_path / 'm.csv'}: the same frames of 1 video are in more than one split, so "
    "that networks are judged by what they were trained on: row 2 (train) and row 3 (test): "
    "a.mp4",
    f"warning: {tmp_path / 'm.csv'}: 1 clip has other labels in another row; several labels of "
    "one clip are written a;b in one row: row 2 (run) and row 3 (jump): a.mp4",
    "warning: no clip is in the split validation: a search has nothing to choose networks by",
    "warning: 1 of the 2 classes has no clip in the split test: run",
  ]


def test_overwrite_loses_a_dataset_of_other_flags(manifest, tmp_path):
  settings = clip_examples.Settings(fps=5, short_side=16, flow="none")
  for side in (16, 24):
    settings = dataclasses.replace(settings, short_side=side)
    info = preparation.prepare(
      str(manifest),
      str(tmp_path / "data"),
      settings,
      num_shards=3 - side // 12,
      operation=dataclasses.replace(ONE_WORKER, overwrite=True),
    )
  assert info.short_side == 24
  assert [path.name for path in sorted((tmp_path / "data").glob("train*"))] == [
    "train-00000-of-00001.tfrecord"
  ]


def test_what_failed_is_tried_again_where_too_much_had_failed(write_video, tmp_path, capsys):
  write_video(tmp_path / "a.mp4")
  names = ("b.mp4", "c.mp4")
  for name in names:
    (tmp_path / name).write_bytes(b"nothing")
  (tmp_path / "m.csv").write_text(
    "path,label,split\n" + "".join(f"{name},run,train\n" for name in ("a.mp4", *names))
  )
  arguments = str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS
  with pytest.raises(cli.UserError, match="2 of the 3 clips that were tried could not be used"):
    preparation.prepare(*arguments, num_shards=3, operation=ONE_WORKER)
  for name in names:
    write_video(tmp_path / name)
  info = preparation.prepare(*arguments, num_shards=3, operation=ONE_WORKER)
  assert "resuming: 1 of the 3 files are finished" in capsys.readouterr().out
  assert (info.splits["train"].clips, info.failures) == (3, 0)


@pytest.fixture
def killed(prepared, tmp_path):
  """The folder as it was before the last shard and dataset.json were written."""
  folder_path = tmp_path / "data"
  shutil.copytree(prepared, folder_path)
  info, plan = metadata.load(str(prepared)), sorted(path.name for path in prepared.glob("*-of-*"))
  (folder_path / "dataset.json").unlink()
  (folder_path / plan[-1]).rename(folder_path / f"{plan[-1]}.0123abcd.incomplete")
  results = folder_path / ".unfinished" / "results"
  results.mkdir(parents=True)
  identity = folder.Identity(
    settings=info.settings, manifest_sha256=info.manifest_sha256, versions=info.versions
  )
  (folder_path / ".unfinished" / "job.json").write_text(json.dumps(dataclasses.asdict(identity)))
  for name in plan[:-1]:
    clip_ids = [context["example/id"] for context, _ in read_file(folder_path / name)]
    failures = (
      []
      if name != "train-00000-of-00002.tfrecord"
      else [json.loads((prepared / "failures.jsonl").read_text())]
    )
    (results / f"{name}.json").write_text(
      json.dumps(
        {
          "split": name.split("-")[0],
          "clips": len(clip_ids),
          "failures": failures,
          "frames": sum(len(lists["image/encoded"]) for _, lists in read_file(folder_path / name)),
        }
      )
    )
  return folder_path


def test_a_killed_run_goes_on_with_what_is_missing(prepared, killed, manifest, content_of, capsys):
  kept = (killed / "train-00000-of-00002.tfrecord").stat().st_mtime_ns
  preparation.prepare(str(manifest), str(killed), SETTINGS, num_shards=2, operation=ONE_WORKER)
  assert "resuming: 4 of the 5 files are finished" in capsys.readouterr().out
  assert (killed / "train-00000-of-00002.tfrecord").stat().st_mtime_ns == kept
  assert content_of(killed) == content_of(prepared)


def test_a_killed_run_of_other_flags_is_refused_by_name(killed, manifest, content_of):
  before = content_of(killed)
  with pytest.raises(
    cli.UserError,
    match="holds an unfinished preparation with `short_side`=24, "
    "not `short_side`=32; give the command that began it to resume it",
  ):
    preparation.prepare(
      str(manifest),
      str(killed),
      clip_examples.Settings(fps=10, short_side=32),
      num_shards=2,
      operation=ONE_WORKER,
    )
  assert content_of(killed) == before | {".unfinished/lock": b""}


def test_too_many_failures_stop_the_job_and_a_higher_rate_goes_on(
  prepared, manifest, tmp_path, content_of, capsys
):
  def prepare(rate):
    preparation.prepare(
      str(manifest),
      str(tmp_path / "data"),
      SETTINGS,
      num_shards=2,
      operation=dataclasses.replace(ONE_WORKER, max_failure_rate=rate),
    )

  with pytest.raises(
    cli.UserError,
    match=r"1 of the \d clips that were tried could not be used, "
    "more than `max_failure_rate`=0.1 of all 7; 1 of them in stage decode: "
    "Invalid data found when processing input; remove the cause, or raise "
    "`max_failure_rate`",
  ):
    prepare(0.1)
  prepare(0.2)
  assert "resuming: " in capsys.readouterr().out
  assert content_of(tmp_path / "data") == content_of(prepared)


@pytest.mark.slow
def test_ten_kills_of_two_workers_change_no_byte(prepared, manifest, tmp_path, content_of):
  two_workers = preparation.Operation(beam_arguments=["--direct_num_workers=2"])
  context, rng = multiprocessing.get_context("forkserver"), random.Random(0)
  context.set_forkserver_preload(["data_prep.job.pipeline"])
  directory, kills = tmp_path / "data", 0
  while kills < 10:
    run = context.Process(
      target=preparation.prepare,
      args=(str(manifest), str(directory), SETTINGS),
      kwargs={"num_shards": 2, "operation": two_workers},
    )
    run.start()
    frames = rng.randrange(25)
    while run.is_alive() and progress.read(str(directory / ".unfinished")).frames <= frames:
      time.sleep(0.001)
    run.kill()
    run.join()
    kills += run.exitcode == -signal.SIGKILL
    if (directory / "dataset.json").exists():
      preparation.prepare(
        str(manifest), str(directory), SETTINGS, num_shards=2, operation=ONE_WORKER
      )
      assert content_of(directory) == content_of(prepared)
      shutil.rmtree(directory)
  preparation.prepare(str(manifest), str(directory), SETTINGS, num_shards=2, operation=ONE_WORKER)
  assert content_of(directory) == content_of(prepared)
