"""The tests of a folder as Bazel targets.

One process runs a whole folder, because every process that imports TensorFlow takes seconds for it.
"""

load("@rules_python//python:defs.bzl", "py_library", "py_test")

def room_tests(name, deps = [], exclude = []):
    """Declares `name`, the fast tests of this folder, and `slow_` + `name`, the slow ones, manual.

    Both take whatever test files and test data there are, also in folders below that have no BUILD
    of their own; where there are none, neither target is declared. `name` + `_helpers` are the
    files beside the tests, for tests of other folders that use them.

    Args:
      name: Name of the target.
      deps: What the tests import.
      exclude: Patterns of files that are left out.
    """
    srcs = native.glob(
        ["**/*.py"],
        allow_empty = True,
        exclude = exclude + ["pytest_main.py"],
    )
    tests = [src for src in srcs if src.endswith("_test.py")]
    py_library(
        name = name + "_helpers",
        testonly = True,
        srcs = [src for src in srcs if src not in tests],
        visibility = ["//tests:__subpackages__"],
        deps = deps + ["//tests:shared"],
    )
    if not tests:
        return
    data = native.glob(
        ["**"],
        allow_empty = True,
        exclude = exclude + [
            "**/*.bzl",
            "**/*.py",
            "**/__pycache__/**",
            "BUILD",
        ],
    )
    for target, marker, timeout, tags in [
        (name, "not slow", "long", []),
        ("slow_" + name, "slow", "eternal", ["manual"]),
    ]:
        py_test(
            name = target,
            timeout = timeout,
            srcs = srcs + ["//tests:pytest_main.py"],
            args = [
                "-m",
                "'%s'" % marker,
                native.package_name(),
            ],
            data = data + ["//:pyproject.toml"],
            legacy_create_init = 0,
            main = "//tests:pytest_main.py",
            tags = tags,
            deps = deps + ["//tests:shared"],
        )
