#!/usr/bin/env bash
# Checks the Python files with ruff (rules and format) and mypy (types, of the rooms that
# pyproject.toml lists), and the Bazel files with buildifier (from PATH, or by npm into a temporary
# folder).
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BUILDIFIER_VERSION="8.2.1"

use_environment
cd "$ROOT"
ruff check .
ruff format --check .
mypy

buildifier="$(command -v buildifier || true)"
if [[ -z "$buildifier" ]]; then
  command -v npm > /dev/null ||
    fail "buildifier is missing, and so is npm, which would get it; install either"
  temporary="$(mktemp -d)"
  trap 'rm -rf "$temporary"' EXIT
  npm install --prefix "$temporary" --no-save --no-audit --no-fund --loglevel=error \
    "@bazel/buildifier@$BUILDIFIER_VERSION" > /dev/null
  buildifier="$temporary/node_modules/.bin/buildifier"
fi
find . \( -name ".?*" -o -name node_modules -o -name build -o -name dist \) -prune -o -type f \
  \( -name BUILD -o -name "*.bzl" -o -name "WORKSPACE*" -o -name MODULE.bazel \) -print0 |
  xargs -0 "$buildifier" -mode=check -lint=warn
say "Bazel files are clean."
