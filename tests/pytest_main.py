"""Runs pytest as a Bazel test: `main` of every py_test (tests/room_tests.bzl)."""

import os
import sys


def main() -> int:
  # Python puts the folder of this file first, past Bazel's symbolic link: tests/ itself, whose
  # folders are named like packages.
  del sys.path[0]
  import pytest

  temporary = os.environ["TEST_TMPDIR"]
  os.environ.setdefault("HOME", temporary)

  options = ["-p", "no:cacheprovider", "--basetemp", os.path.join(temporary, "pytest")]
  if "XML_OUTPUT_FILE" in os.environ:
    options += ["--junitxml", os.environ["XML_OUTPUT_FILE"]]
  if "TESTBRIDGE_TEST_ONLY" in os.environ:  # bazel test --test_filter=EXPRESSION
    options += ["-k", os.environ["TESTBRIDGE_TEST_ONLY"]]

  status = pytest.main(options + sys.argv[1:])
  # A folder may have no test of the wanted speed.
  return 0 if status == pytest.ExitCode.NO_TESTS_COLLECTED else int(status)


# Processes that tests start by multiprocessing import this file too.
if __name__ == "__main__":
  sys.exit(main())
