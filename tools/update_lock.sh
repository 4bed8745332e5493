#!/usr/bin/env bash
# Remakes requirements.lock from pyproject.toml.
#
#   tools/update_lock.sh                          keeps what is locked, if pyproject.toml allows
#   tools/update_lock.sh --upgrade-package=NAME   or --upgrade, or any option of `uv pip compile`
#
# The lock holds the extras `cluster`, `dashboard`, `dev` and `install` too, for Python 3.11 on
# Linux x86_64, with the hashes of every file. The environment is made from it at once, so that a package that cannot
# be installed, or is built with something that the lock lacks, shows today.
#
# One opencv only: tf-models-official asks for opencv-python-headless, which installs the same files
# as our opencv-contrib-python-headless without TV-L1; the override drops it.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

UV_VERSION="$(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$ROOT/requirements.lock")"
temporary="$(mktemp -d)"
trap 'rm -rf "$temporary"' EXIT

uv="$(PATH="$VENV/bin:$PATH" command -v uv || true)"
if [[ -z "$uv" ]]; then
  say "No uv on PATH: installing $UV_VERSION into a throwaway environment"
  python3 -m venv "$temporary/uv" ||
    fail "python3 -m venv failed; install uv (pip install uv) or python3-venv"
  "$temporary/uv/bin/python" -m pip install --quiet "uv==$UV_VERSION" 2> "$temporary/log" ||
    { cat "$temporary/log" >&2; exit 1; }
  uv="$temporary/uv/bin/uv"
fi

cd "$ROOT"
echo 'opencv-python-headless ; python_version < "0"' > "$temporary/overrides.txt"
"$uv" pip compile pyproject.toml --extra cluster --extra dashboard --extra dev --extra install --extra s3 \
  --override "$temporary/overrides.txt" \
  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
  --no-emit-index-url --no-emit-find-links \
  --custom-compile-command tools/update_lock.sh --output-file requirements.lock --quiet "$@"
packages="$(grep -c '^[A-Za-z0-9].*==' requirements.lock)"
say "requirements.lock: $packages packages"
tools/setup.sh
