"""Files behind URLs (`s3://`, `gs://`, `hdfs://`), through Apache Beam's filesystems.

An object store is no disk, and differs from one in ways that its users meet:

* There are no folders: `a/b` is the name of an object, and a folder exists as long as an object
  begins with its name. Only a listing finds out.
* A rename is a copy and a deletion. The copy appears whole, also in place of an older object, and
  whoever is killed between the two leaves a second object under the temporary name.
* Nothing locks anything.

Errors of every store's client are raised as OSError, in one line with a remedy. Beam is imported
only when a URL turns up; what options it got for the job (an endpoint, keys) is told to `use`, also
in processes that were started by one of ours (`options`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import contextlib
import errno
import sys
from typing import IO, Any

_UNCOMPRESSED = "uncompressed"  # apache_beam.io.filesystem.CompressionTypes.UNCOMPRESSED
_KEYS = {
  "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with the aws command",
  "gs": "log in with gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
}
_DEFAULT_KEYS = "see that this user has the rights"
_NO_SUCH_BUCKET = ("nosuchbucket", "bucket does not exist")
_NO_KEYS = (
  "unable to locate credentials",
  "partial credentials",
  "could not automatically determine credentials",
)
_REFUSED = ("forbidden", "accessdenied", "access denied", "invalidaccesskeyid", "signaturedoesnot")
_UNREACHABLE = (
  "could not connect",
  "connect timeout",
  "connection refused",
  "max retries exceeded",
)

_options: dict[str, Any] = {}
_s3_is_usable = False


def use(options: Mapping[str, Any]) -> None:
  """Has this process open URLs with Beam's options, by name."""
  global _options, _s3_is_usable
  _options, _s3_is_usable = dict(options), False
  if "apache_beam" in sys.modules:
    _set_options()


def options() -> dict[str, Any]:
  """Returns the options that this process opens URLs with, for a process that it starts."""
  if _options or "apache_beam" not in sys.modules:
    return dict(_options)
  of_job = _filesystems()._pipeline_options  # In a worker of Beam's.
  return of_job.get_all_options(drop_default=True) if of_job else {}


def open_to_read(path: str) -> IO[bytes]:
  """Opens a file for reading bytes, uncompressed whatever its name says."""
  with _told(path):
    return _beam(path).open(path, compression_type=_UNCOMPRESSED)


@contextlib.contextmanager
def create(path: str) -> Iterator[IO[bytes]]:
  """Yields a file to write; what was written by then is there also if the block raises."""
  with _told(path):
    file = _beam(path).create(path, compression_type=_UNCOMPRESSED)
  try:
    yield file
  finally:
    with _told(path):
      if file.tell() == 0:
        _send_nothing(file)
      file.close()


def exists(path: str) -> bool:
  """Returns whether there is a file, or where there are some a folder, at `path`."""
  with _told(path):
    return _beam(path).exists(path)


def rename(source: str, target: str) -> None:
  """Moves a file over `target`; in an object store, which always has one of the two, and no other
  name for a part of either."""
  with _told(target):
    system = _beam(target)
    if _has_folders(target) and system.exists(target):  # HDFS renames over nothing.
      system.delete([target])
    system.rename([source], [target])


def make_directory(path: str) -> None:
  """Creates a folder unless it exists; where there are none, nothing happens."""
  with _told(path):
    if _has_folders(path) and not _beam(path).exists(path):
      _beam(path).mkdirs(path)


def names(directory: str) -> list[str]:
  """Returns, sorted, the names of the files in a folder; none where there is no such folder."""
  return sorted(path.rsplit("/", 1)[-1] for path in _match(f"{directory.rstrip('/')}/*"))


def remove(paths: Sequence[str]) -> None:
  """Deletes files; those that do not exist are no error."""
  if not paths:
    return
  with _told(paths[0]):
    system, there = _beam(paths[0]), list(dict.fromkeys(paths))
    if _has_folders(paths[0]):
      there = [path for path in there if system.exists(path)]
    if there:
      system.delete(there)


def remove_tree(directory: str) -> None:
  """Deletes a folder with everything in it; no folder is no error."""
  found = _match(f"{directory.rstrip('/')}/**")
  with _told(directory):
    system = _beam(directory)
    if found:
      system.delete(found)
    if system.exists(directory):
      system.delete([directory])


def check(paths: Iterable[str]) -> None:
  """Asks whether the buckets of URLs are there and answer; raises OSError if not.

  Beam's clients would try again for minutes, which is right for a worker and wrong for a user who
  mistyped something. A bucket that may be used and not asked after passes.
  """
  for scheme, bucket in dict.fromkeys(tuple(path.split("/")[0:3:2]) for path in paths):
    url = f"{scheme}//{bucket}"
    with _told(url):
      options = _beam(url)._pipeline_options
      if scheme == "s3:":
        _ask_s3(bucket, options)
      elif scheme == "gs:":
        _ask_gs(bucket, options)


def _ask_s3(bucket: str, options: Any) -> None:
  from apache_beam.io.aws.clients.s3 import boto3_client
  import botocore.exceptions

  try:
    boto3_client.Client(options).client.head_bucket(Bucket=bucket)
  except botocore.exceptions.ClientError as error:
    if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
      raise OSError("NoSuchBucket") from error
    if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
      raise


def _ask_gs(bucket: str, options: Any) -> None:
  from apache_beam.io.gcp import gcsio
  from google.api_core import exceptions

  client = gcsio.GcsIO(pipeline_options=options).client
  try:
    if client.lookup_bucket(bucket, retry=None) is None:
      raise OSError("NoSuchBucket")
  except (exceptions.Forbidden, exceptions.Unauthorized):
    return


def _match(pattern: str) -> list[str]:
  with _told(pattern):
    found = _beam(pattern).match([pattern])[0].metadata_list
    return [metadata.path for metadata in found]


def _send_nothing(file: IO[bytes]) -> None:
  """Sends one empty part of an empty file: S3 refuses a file without parts, which Beam makes."""
  uploader = getattr(getattr(file, "raw", None), "_uploader", None)
  if hasattr(uploader, "_write_to_s3"):
    uploader._write_to_s3(b"")


def _has_folders(path: str) -> bool:
  return _beam(path).get_filesystem(path).has_dirs()


def _beam(path: str) -> Any:
  """Returns Beam's filesystems, ready for a URL."""
  if path.startswith("s3:") and not _s3_is_usable:
    _require_s3()
  if not _filesystems()._pipeline_options:
    _set_options()
  return _filesystems()


def _set_options() -> None:
  from data_prep.common.quiet_beam import pipeline_options

  _filesystems().set_options(pipeline_options.PipelineOptions.from_dictionary(_options))


def _require_s3() -> None:
  """Raises OSError without boto3, and without keys, for which Beam would look again for minutes."""
  try:
    import boto3
  except ImportError as error:
    raise OSError(
      "s3:// needs boto3, which is not installed; it is in the extra s3: pip install -e '.[s3]' in "
      "the checkout"
    ) from error
  global _s3_is_usable
  given = options().get("s3_access_key_id")
  if not given and boto3.session.Session().get_credentials() is None:
    raise OSError(_no_keys("s3"))
  _s3_is_usable = True


def _filesystems() -> Any:
  from data_prep.common.quiet_beam import beam

  return beam.io.filesystems.FileSystems


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
  """Raises whatever a store's client raises as an OSError with a remedy."""
  try:
    yield
  except Exception as error:
    if type(error) is OSError and "; " in str(error):  # One of ours.
      raise
    raise _as_os_error(error, path) from error


def _as_os_error(error: Exception, path: str) -> OSError:
  root = _root(error)
  text = " ".join(str(root).split())
  known, scheme = text.lower(), path.split(":")[0]
  bucket = "/".join(path.split("/")[:3])
  code = getattr(root, "code", None)
  if "unable to get filesystem" in known:
    return OSError(
      f"no file system is known for {scheme}://; give a path, or an s3:// or gs:// URL"
    )
  if any(sign in known for sign in _NO_SUCH_BUCKET):
    return OSError(f"there is no bucket {bucket}; create it, or give another URL")
  if code == 404 or isinstance(root, FileNotFoundError):
    return FileNotFoundError(errno.ENOENT, "there is no such object", path)
  if any(sign in known for sign in _NO_KEYS) or code == 401:
    return OSError(_no_keys(scheme))
  if code == 403 or any(sign in known for sign in _REFUSED):
    return OSError(f"{path}: access is refused ({text}); {_KEYS.get(scheme, _DEFAULT_KEYS)}")
  if any(sign in known for sign in _UNREACHABLE):
    return OSError(f"{bucket} does not answer ({text}); see to the network and the endpoint")
  return OSError(f"{path}: {text or type(root).__name__}; see to the store")


def _no_keys(scheme: str) -> str:
  return f"no keys for {scheme}:// were found; {_KEYS.get(scheme, _DEFAULT_KEYS)}"


def _root(error: Exception) -> BaseException:
  """Returns what a store's client said, inside of what Beam made of it."""
  while details := getattr(error, "exception_details", None):
    error = next(iter(details.values()))
    if not isinstance(error, BaseException):
      return OSError(f"status {error}")
  return error
