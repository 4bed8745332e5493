#!/usr/bin/env bash
# Runs the tests, making .venv first if there is none.
#
#   tools/test.sh                             all of them
#   tools/test.sh -m "not slow"               the fast ones
#   tools/test.sh tests/architecture -x       anything that pytest takes, from the root
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

use_environment
cd "$ROOT"
exec python -m pytest "$@"
