"""Stand-ins for the repositories that Bazel would fetch, so that it works offline.

Debian's Bazel 4.2.3 (`apt-get install bazel-bootstrap`) fetches `rules_cc` and `rules_java` for any
build, and `remote_coverage_tools` for any test, though Python rules need nothing of them. A
released Bazel brings versions of its own, and reports its version, which Debian's does not.

BUILD files load the Python rules from `rules_python`, because Bazel 9 has no others. Bazel before 7
reads WORKSPACE and finds there a `rules_python` that hands out its native ones.
"""

_RULES_CC = """\
cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
objc_library = native.objc_library
"""

_RULES_JAVA = """\
java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_proto_library = native.java_proto_library
java_runtime = native.java_runtime
java_test = native.java_test
java_toolchain = native.java_toolchain
"""

_RULES_PYTHON = """\
py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
"""

_COVERAGE = """\
package(default_visibility = ["//visibility:public"])
filegroup(name = "coverage_report_generator")
filegroup(name = "lcov_merger")
"""

def _stub_repository_impl(repository_ctx):
    repository_ctx.file("WORKSPACE", "")
    for path, content in repository_ctx.attr.files.items():
        repository_ctx.file(path, content)

stub_repository = repository_rule(
    implementation = _stub_repository_impl,
    attrs = {"files": attr.string_dict(mandatory = True)},
)

def offline_repos():
    """Declares the stand-ins; to be called from WORKSPACE."""
    stub_repository(
        name = "rules_python",
        files = {
            "python/BUILD": "",
            "python/defs.bzl": _RULES_PYTHON,
        },
    )
    if native.bazel_version:
        return
    stub_repository(
        name = "rules_cc",
        files = {
            "cc/BUILD": "",
            "cc/defs.bzl": _RULES_CC,
        },
    )
    stub_repository(
        name = "rules_java",
        files = {
            "java/BUILD": "",
            "java/defs.bzl": _RULES_JAVA,
        },
    )
    stub_repository(
        name = "remote_coverage_tools",
        files = {"BUILD": _COVERAGE},
    )
