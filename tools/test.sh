#!/usr/bin/env bash
# Runs the tests, making .venv first if there is none.
#
#   tools/test.sh                             the fast ones
#   tools/test.sh --all                       all of them, as .ci/run does
#   tools/test.sh tests/architecture -x       anything that pytest takes, from the root
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

use_environment
cd "$ROOT"
case "${1:-}" in
  "") exec python -m pytest -m "not slow" ;;
  --all) exec python -m pytest "${@:2}" ;;
  *) exec python -m pytest "$@" ;;
esac
