"""One suite for files on a local disk and behind URLs."""

import pytest

from data_prep.common import files
from data_prep.common import url_files


@pytest.fixture(params=["local", "url", pytest.param("s3", marks=pytest.mark.slow)])
def place(request, tmp_path) -> str:
  """A folder that is there and empty, as a path or as a URL."""
  (tmp_path / "place").mkdir()
  if request.param == "s3":
    store = request.getfixturevalue("s3_store")
    url_files.use(store.options)
    request.addfinalizer(lambda: url_files.use({}))
    return store.new_bucket()
  if request.param == "local":
    return str(tmp_path / "place")
  request.getfixturevalue("folder_urls")
  return "folder://place"


def test_what_is_written_is_read(place):
  path = files.join(place, "a")
  assert not files.exists(path)
  files.write_bytes(path, b"one")
  assert files.exists(path) and files.read_bytes(path) == b"one"
  with files.open_to_read(path) as file:
    assert file.read(2) == b"on"


def test_writing_again_replaces_the_content(place):
  path = files.join(place, "a")
  files.write_bytes(path, b"long content")
  files.write_bytes(path, b"two")
  assert files.read_bytes(path) == b"two"
  assert files.names(place) == ["a"]


def test_a_file_appears_when_it_is_whole(place):
  path = files.join(place, "a")
  with files.written_whole(path) as file:
    file.write(b"one")
    assert not files.exists(path)
    for name in files.names(place):  # None on S3, where what is not complete is not listed.
      assert name.startswith("a.") and name.endswith(files.TEMPORARY_SUFFIX)
  assert files.names(place) == ["a"]


def test_a_file_whose_writing_fails_never_appears(place):
  path = files.join(place, "a")
  files.write_bytes(path, b"old")
  with pytest.raises(RuntimeError, match="half way"):
    with files.written_whole(path) as file:
      file.write(b"new")
      raise RuntimeError("half way")
  assert files.names(place) == ["a"]
  assert files.read_bytes(path) == b"old"


@pytest.mark.parametrize("name", ["a.gz", "a.bz2", "a.zip"])
def test_no_name_makes_bytes_compressed(place, name):
  path = files.join(place, name)
  files.write_bytes(path, b"plain")
  assert files.read_bytes(path) == b"plain"


def test_a_file_that_is_not_there_is_an_os_error(place):
  with pytest.raises(OSError):
    files.read_bytes(files.join(place, "nothing"))


def test_names_are_sorted_and_those_of_files(place):
  for name in ("b", "a", "c"):
    files.write_bytes(files.join(place, name), b"")
  assert files.names(place) == ["a", "b", "c"]
  assert files.names(files.join(place, "nowhere")) == []


def test_a_file_is_renamed_over_another(place):
  first, second = files.join(place, "a"), files.join(place, "b")
  files.write_bytes(first, b"one")
  files.write_bytes(second, b"two")
  files.rename(first, second)
  assert files.names(place) == ["b"]
  assert files.read_bytes(second) == b"one"


def test_files_are_removed_whether_they_are_there_or_not(place):
  path = files.join(place, "a")
  files.write_bytes(path, b"")
  files.remove([path, files.join(place, "nothing"), path])
  assert files.names(place) == []


def test_a_folder_is_made_once_and_with_its_parents(place):
  folder = files.join(files.join(place, "x"), "y")
  files.make_directory(folder)
  files.make_directory(folder)
  files.write_bytes(files.join(folder, "a"), b"one")
  assert files.names(folder) == ["a"]


def test_a_tree_is_removed_with_all_that_is_in_it(place):
  folder = files.join(place, "x")
  files.make_directory(files.join(folder, "y"))
  files.write_bytes(files.join(folder, "a"), b"")
  files.write_bytes(files.join(files.join(folder, "y"), "b"), b"")
  files.write_bytes(files.join(place, "stays"), b"")
  files.remove_tree(folder)
  assert not files.exists(folder)
  assert files.exists(files.join(place, "stays"))


def test_files_without_content_are_files(place):
  path = files.join(place, "a")
  files.write_bytes(path, b"")
  assert files.names(place) == ["a"]
  assert files.read_bytes(path) == b""


def test_removing_a_tree_that_is_not_there_is_no_error(place):
  files.remove_tree(files.join(place, "nothing"))


def test_a_scheme_that_nobody_knows_is_an_os_error():
  with pytest.raises(OSError, match="no file system is known for nowhere://"):
    files.open_to_read("nowhere://a")


@pytest.mark.parametrize("keep", [False, True])
def test_a_folder_that_could_be_written_is_left_only_where_others_begin_too(tmp_path, keep):
  files.check_writable(str(tmp_path / "run" / "workers"), "--model_dir=run", keep=keep)
  assert (tmp_path / "run" / "workers").exists() == (tmp_path / "run").exists() == keep
