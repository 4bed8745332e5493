# What the scripts in tools/ share. Sourced, never run:
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# Sets ROOT (the checkout), VENV and VENV_PYTHON; defines
#
#   say TEXT                    one line on stdout
#   fail TEXT                   one line on stderr, exit status 2: what the caller can mend
#   need_space DIR GB WHAT      fails if DIR's disk has less than GB free
#   watch_command STATUS LOG COMMAND...   runs COMMAND into LOG, telling every 8 s how far it is
#   use_environment             makes .venv if need be and puts it first on PATH
#
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
# shellcheck disable=SC2034  # for the scripts that source this
VENV_PYTHON="$VENV/bin/python"

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

need_space() {
  local directory="$1" gigabytes="$2" what="$3" free
  free="$(df -Pk "$directory" | awk 'NR == 2 { print int($4 / 1024 / 1024) }')"
  if (( free < gigabytes )); then
    fail "$what needs $gigabytes GB on the disk of $directory, which has $free GB free;" \
      "make room there and run this again"
  fi
}

# STATUS names a function that prints how far the command is, in a few words. A command that fails
# has the end of its log printed, and its exit status returned. It does not outlive the script,
# unless that is killed by SIGKILL.
watch_command() {
  local status="$1" log="$2" start=$SECONDS child
  shift 2
  "$@" > "$log" 2>&1 < /dev/null &
  child=$!
  # shellcheck disable=SC2064  # the child of now
  trap "kill $child 2> /dev/null; exit 130" INT TERM
  while kill -0 "$child" 2> /dev/null; do
    for _ in {1..40}; do
      sleep .2
      kill -0 "$child" 2> /dev/null || break 2
    done
    say "  $(( SECONDS - start )) s: $("$status")"
  done
  trap - INT TERM
  if wait "$child"; then
    return
  else
    local exit_status=$?
    printf '%s\n' "The end of $log:" >&2
    grep -v "Location .* is ignored" "$log" | tail -n 20 | sed 's/^/  /' >&2
    return "$exit_status"
  fi
}

use_environment() {
  "$ROOT/tools/setup.sh"
  export VIRTUAL_ENV="$VENV" PATH="$VENV/bin:$PATH"
  unset PYTHONHOME
}
