"""A whole preparation, in this process, with one worker."""

import os
import shutil

import pytest

from data_prep import cli
from data_prep import clips
from data_prep import dataset
from data_prep import files
from data_prep import job
from data_prep import records
from data_prep.quiet_beam import beam

SETTINGS = clips.Settings(fps=10, short_side=24)
ONE_WORKER = ("--direct_num_workers=1",)


@pytest.fixture(scope="module")
def prepared(manifest, tmp_path_factory):
  """The folder of the session's manifest, prepared; not to be changed."""
  folder = tmp_path_factory.mktemp("job") / "data"
  job.prepare(str(manifest), str(folder), SETTINGS, num_shards=2, beam_arguments=ONE_WORKER)
  return folder


def read(folder, split):
  """Returns the parsed clips of a split."""
  found = []
  for path in dataset.shard_paths(str(folder), split):
    with files.open_to_read(path) as file:
      found += [records.parse(record) for record in records.read_records(file)]
  return found


def test_dataset_json_says_what_is_there(prepared):
  info = dataset.load(str(prepared))
  assert info.classes == ("left", "right")
  assert info.streams == SETTINGS.streams
  assert info.splits == {"train": dataset.SplitInfo(clips=3, frames=21, shards=2),
                         "validation": dataset.SplitInfo(clips=1, frames=9, shards=1),
                         "test": dataset.SplitInfo(clips=2, frames=21, shards=2)}
  assert (info.fps, info.short_side, info.failures, info.multi_label) == (10, 24, 1, False)
  assert info.settings == {"fps": 10, "short_side": 24, "flow": "tvl1", "flow_profile": "fast",
                           "flow_bound": 20.0, "num_shards": 2}
  assert set(info.versions) == {"av", "ffmpeg", "opencv"}


def test_only_the_dataset_is_left_in_the_folder(prepared):
  assert sorted(path.name for path in prepared.iterdir()) == [
      "dataset.json", "failures.jsonl", "test-00000-of-00002.tfrecord",
      "test-00001-of-00002.tfrecord", "train-00000-of-00002.tfrecord",
      "train-00001-of-00002.tfrecord", "validation-00000-of-00001.tfrecord"]


def test_every_good_clip_is_in_its_split_with_its_label(prepared):
  labels = {split: {context["example/id"][0]: context["clip/label/index"]
                    for context, _ in read(prepared, split)} for split in dataset.SPLITS}
  assert labels == {"train": {b"0.mp4": [0], b"1.avi": [1], b"2.mp4": [0]},
                    "validation": {b"3.avi": [1]}, "test": {b"4.mp4": [0], b"5.avi": [1]}}


def test_a_bad_video_is_a_line_in_failures(prepared):
  assert (prepared / "failures.jsonl").read_text() == (
      '{"id": "broken.mp4", "path": "broken.mp4", "stage": "decode", '
      '"error": "Invalid data found when processing input"}\n')


def test_tensorflow_reads_the_shards(prepared):
  tf = pytest.importorskip("tensorflow")
  info = dataset.load(str(prepared))
  files_of_split = list(dataset.shard_paths(str(prepared), "train"))
  frames = []
  for record in tf.data.TFRecordDataset(files_of_split).as_numpy_iterator():
    context, lists = tf.io.parse_single_sequence_example(
        record, context_features={"clip/label/index": tf.io.VarLenFeature(tf.int64)},
        sequence_features={stream.feature: tf.io.FixedLenSequenceFeature([], tf.string)
                           for stream in info.streams.values()})
    rgb = tf.io.decode_image(lists["image/encoded"][0])
    flow = tf.io.decode_image(lists["FORWARD_FLOW/image/encoded"][0])
    assert rgb.shape == flow.shape == (24, 32, 3)
    frames.append(len(lists["image/encoded"]))
  assert sorted(frames) == [6, 7, 8]


def test_a_finished_folder_is_recognised(prepared, manifest, capsys, content_of):
  before = content_of(prepared)
  job.prepare(str(manifest), str(prepared), SETTINGS, num_shards=2, beam_arguments=ONE_WORKER)
  assert "is already prepared from this manifest with these flags" in capsys.readouterr().out
  assert content_of(prepared) == before


@pytest.mark.parametrize("settings, num_shards, message", [
    (clips.Settings(fps=12.5, short_side=24), 2, "with --fps=10, not --fps=12.5; give another"),
    (clips.Settings(fps=10, short_side=24, flow="none"), 2, "with --flow=tvl1, not --flow=none"),
    (clips.Settings(fps=10, short_side=24, flow_profile="opencv_default"), 2,
     "with --flow_profile=fast, not --flow_profile=opencv_default"),
    (SETTINGS, 3, "with --num_shards=2, not --num_shards=3"),
])
def test_other_flags_are_refused_by_name(prepared, manifest, settings, num_shards, message):
  with pytest.raises(cli.UserError, match=message):
    job.prepare(str(manifest), str(prepared), settings, num_shards=num_shards)


def test_another_manifest_is_refused(prepared, manifest, tmp_path):
  lines = manifest.read_text().splitlines()
  (tmp_path / "m.csv").write_text("\n".join(lines[:-1]))
  with pytest.raises(cli.UserError, match="was prepared from another --manifest, or from other"):
    job.prepare(str(tmp_path / "m.csv"), str(prepared), SETTINGS, num_shards=2)


def test_no_usable_video_leaves_nothing(tmp_path):
  (tmp_path / "a.mp4").write_bytes(b"nothing")
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run,train\nb.mp4,run,test\n")
  with pytest.raises(cli.UserError, match="no usable video: none of the 2 clips of .*m.csv could "
                     "be used; the first, a.mp4: Invalid data found"):
    job.prepare(str(tmp_path / "m.csv"), str(tmp_path / "x" / "data"), SETTINGS,
                beam_arguments=ONE_WORKER)
  assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "m.csv"]


def test_no_video_is_there_at_all(tmp_path):
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run,train\n")
  with pytest.raises(cli.UserError, match="no usable video: none of the 1 that .*m.csv lists is "
                     "there; the first would be .*a.mp4 "):
    job.prepare(str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS)
  assert not (tmp_path / "data").exists()


def test_a_split_without_usable_clips_is_present_with_zeros(tmp_path, write_video):
  write_video(tmp_path / "a.mp4")
  (tmp_path / "m.csv").write_text("path,label,split\na.mp4,run;jump,train\nb.mp4,run,test\n")
  info = job.prepare(str(tmp_path / "m.csv"), str(tmp_path / "data"), SETTINGS,
                     beam_arguments=ONE_WORKER)
  assert info.splits["test"] == dataset.SplitInfo()
  assert not list((tmp_path / "data").glob("test-*"))
  assert info.multi_label
  assert read(tmp_path / "data", "train")[0][0]["clip/label/index"] == [1, 0]


def test_what_a_killed_run_left_does_not_matter(prepared, manifest, tmp_path, content_of):
  folder = tmp_path / "data"
  shutil.copytree(prepared, folder)
  (folder / "dataset.json").unlink()
  (folder / "train-00001-of-00002.tfrecord").rename(
      folder / "train-00001-of-00002.tfrecord.0123abcd.incomplete")
  job.prepare(str(manifest), str(folder), SETTINGS, num_shards=2, beam_arguments=ONE_WORKER)
  assert content_of(folder) == content_of(prepared)


class FolderFileSystem(beam.io.localfilesystem.LocalFileSystem):
  """A file system with a scheme, as clouds have: folder://x is a file `x` below `root`."""

  root: str

  @classmethod
  def scheme(cls):
    return "folder"

  def _local(self, path):
    return path.replace("folder:/", self.root, 1)

  def _url(self, metadata):
    path = metadata.path.replace(self.root, "folder:/", 1)
    return beam.io.filesystem.FileMetadata(path, metadata.size_in_bytes)

  def join(self, basepath, *paths):
    return "/".join([basepath.rstrip("/"), *paths])

  def mkdirs(self, path):
    super().mkdirs(self._local(path))

  def has_dirs(self):
    return False

  def match(self, patterns, limits=None):
    found = super().match([self._local(pattern) for pattern in patterns], limits)
    return [beam.io.filesystem.MatchResult(pattern, [self._url(m) for m in one.metadata_list])
            for pattern, one in zip(patterns, found)]

  def create(self, path, *args, **options):
    return super().create(self._local(path), *args, **options)

  def open(self, path, *args, **options):
    return super().open(self._local(path), *args, **options)

  def rename(self, sources, targets):
    super().rename([self._local(path) for path in sources], [self._local(path) for path in targets])

  def exists(self, path):
    return super().exists(self._local(path))

  def delete(self, paths):
    for path in map(self._local, paths):
      shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def test_urls_are_read_and_written_through_beam(prepared, manifest, tmp_path, content_of,
                                               monkeypatch):
  monkeypatch.setattr(FolderFileSystem, "root", str(tmp_path), raising=False)
  shutil.copytree(manifest.parent, tmp_path / "videos")
  job.prepare("folder://videos/manifest.csv", "folder://data", SETTINGS, num_shards=2,
              beam_arguments=ONE_WORKER)
  assert content_of(tmp_path / "data") == content_of(prepared)
  assert dataset.load("folder://data").splits["train"].clips == 3
