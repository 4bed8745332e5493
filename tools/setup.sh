#!/usr/bin/env bash
# Makes .venv from requirements.lock, once; says nothing and takes no time when it is up to date.
#
#   tools/setup.sh
#   PYTHON=path/to/python3.11 tools/setup.sh      with that interpreter
#
# Everything that is fetched is in the lock, with its hash, the build requirements of packages that
# come as source only included.
#
# The interpreter is the first Python 3.11 with the modules venv and ensurepip among $PYTHON,
# python3.11, python3 and python; where there is none, uv provides one.
#
# .venv/made-from holds the SHA-256 of the lock and is written last. An installation that was
# killed has none and is created again; so is one of another lock, since pip would leave behind what
# the lock no longer names. A .venv that this script did not make is not touched.
#
# Exit status: 0; 2 if something is missing (it says what, and where to get it); 1 if the
# installation failed.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LOCK="$ROOT/requirements.lock"
MARK="$VENV/made-from"
TRASH="$ROOT/.venv.trash"
LOG="$VENV/install.log"
UNFINISHED="unfinished"
VENV_GIGABYTES=5
TEMPORARY_GIGABYTES=2
HELP="docs/development.md has more"

main() {
  local hash
  hash="$(sha256sum < "$LOCK" | cut -d ' ' -f 1)"
  is_ready "$hash" && return
  check_platform
  # pip holds the lock too: an installation whose script was killed is waited for, not disturbed.
  exec 9< "$LOCK"
  until flock --wait 10 9; do
    say "Waiting for another installation into $VENV"
  done
  is_ready "$hash" && return
  clear_away
  need_space "$ROOT" "$VENV_GIGABYTES" "The environment"
  need_space "${TMPDIR:-/tmp}" "$TEMPORARY_GIGABYTES" "Unpacking it (TMPDIR chooses another folder)"
  mkdir -p "$VENV"
  echo "$UNFINISHED" > "$MARK"
  make_venv
  install
  echo "$hash" > "$MARK.new"
  mv "$MARK.new" "$MARK"
  say "The environment is ready: source ${VENV#"$PWD"/}/bin/activate"
}

is_ready() {
  [[ -f "$MARK" && "$(< "$MARK")" == "$1" ]] && "$VENV_PYTHON" -c "" 2> /dev/null
}

check_platform() {
  local platform
  platform="$(uname -s) $(uname -m)"
  [[ "$platform" == "Linux x86_64" ]] ||
    fail "requirements.lock is for Linux on x86_64, this is $platform; $HELP"
}

# By way of another name: half a removed .venv would look like one that somebody else made.
clear_away() {
  if [[ -e "$VENV" || -L "$VENV" ]]; then
    if [[ ! -f "$MARK" && -n "$(ls -A "$VENV")" ]]; then
      fail "$VENV was not made by tools/setup.sh; move it away (mv .venv .venv.old)" \
        "and run this again"
    elif [[ -f "$MARK" && "$(< "$MARK")" != "$UNFINISHED" ]]; then
      say "requirements.lock or the interpreter has changed: creating $VENV again"
    fi
    rm -rf "$TRASH"
    mv "$VENV" "$TRASH"
  fi
  watch_command trash_status /dev/null rm -rf "$TRASH"
}

trash_status() { say "removing the old environment"; }

make_venv() {
  local candidate version with_venv="" without_venv="" others=""
  local ask_version='import sys; print("%d.%d" % sys.version_info[:2])'
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python; do
    version="$("$candidate" -c "$ask_version" 2> /dev/null)" || continue
    if [[ "$version" != "3.11" ]]; then
      others+=" $candidate is Python $version;"
    elif "$candidate" -c "import ensurepip, venv" 2> /dev/null; then
      with_venv="$candidate"
      break
    else
      without_venv="${without_venv:-$candidate}"
    fi
  done
  if [[ -n "$with_venv" ]]; then
    say "Making $VENV with $("$with_venv" -c 'import sys; print(sys.executable)')"
    watch_command venv_status "$LOG" "$with_venv" -m venv "$VENV" ||
      fail "$with_venv -m venv failed; on Debian and Ubuntu: apt-get install python3.11-venv"
  elif command -v uv > /dev/null; then
    say "Making $VENV with uv, which gets Python 3.11 if need be"
    watch_command venv_status "$LOG" uv venv --python 3.11 --allow-existing "$VENV" ||
      fail "uv could not provide Python 3.11; install it another way: $HELP"
  elif [[ -n "$without_venv" ]]; then
    fail "$without_venv is Python 3.11 but has no venv module, and there is no uv; install" \
      "either: apt-get install python3.11-venv (Debian, Ubuntu), or uv (pip install uv); $HELP"
  else
    fail "Python 3.11 is missing (TensorFlow 2.15 runs on none newer;${others:- no Python found;}" \
      "no uv found); install one of: apt-get install python3.11 python3.11-venv (Debian 12)," \
      "dnf install python3.11 (Fedora, RHEL), uv (pip install uv), which gets Python 3.11 by" \
      "itself; $HELP"
  fi
}

venv_status() { say "making the virtual environment"; }

# The lock's uv installs what the lock names. It builds the few packages that come as source only, and
# takes what they are built with from the lock, too, or fails (--require-build-hashes). uv itself is
# installed by the pip that comes with Python, or by another uv.
#
# Python compiles a module when it is first imported and keeps the byte code. Where
# PYTHONDONTWRITEBYTECODE forbids that, as in many container images, every process would compile
# TensorFlow again, 8 of the 12 seconds that its import takes; so all is compiled here.
install() {
  local installer=(uv pip install --python "$VENV_PYTHON") uv="$VENV/bin/uv" compile=()
  [[ -z "${PYTHONDONTWRITEBYTECODE:-}" ]] || compile=(--compile-bytecode)
  PACKAGES="$(grep -c '^[A-Za-z0-9].*==' "$LOCK")"
  say "Installing the $PACKAGES packages of requirements.lock (1 GB to download, 3.5 GB on disk)"
  say "  log: $LOG"
  if "$VENV_PYTHON" -m pip --version > /dev/null 2>&1; then
    installer=("$VENV_PYTHON" -m pip install --disable-pip-version-check --progress-bar=off)
    use_settings_of_pip
  fi
  awk '/^(-|[A-Za-z0-9])/ { wanted = /^(-|uv==)/ } wanted' "$LOCK" > "$VENV/uv.lock"
  watch_command uv_status "$LOG" "${installer[@]}" --no-deps --require-hashes \
    --only-binary=:all: -r "$VENV/uv.lock" || give_up
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"
  ARCHIVES="$("$uv" cache dir)/archive-v0"
  ARCHIVES_BEFORE="$(count_archives)"
  watch_command install_status "$LOG" "$uv" pip install --python "$VENV_PYTHON" --no-deps \
    --require-hashes --require-build-hashes --preview-features build-dependency-hashes \
    --build-constraints "$LOCK" --no-progress --color=never "${compile[@]}" -r "$LOCK" || give_up
}

# Where pip is told to use another index or certificate, so is uv, which does not read pip's files.
# Settings from the environment are listed last by pip, and win.
use_settings_of_pip() {
  local index extra cert
  index="$(setting_of_pip index-url)"
  extra="$(setting_of_pip extra-index-url)"
  cert="$(setting_of_pip cert)"
  export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}" UV_INDEX="${UV_INDEX:-$extra}"
  export SSL_CERT_FILE="${SSL_CERT_FILE:-$cert}"
  [[ -n "$UV_DEFAULT_INDEX" ]] || unset UV_DEFAULT_INDEX
  [[ -n "$UV_INDEX" ]] || unset UV_INDEX
  [[ -n "$SSL_CERT_FILE" ]] || unset SSL_CERT_FILE
}

setting_of_pip() {
  "$VENV_PYTHON" -m pip config list 2> /dev/null |
    sed -nE "s/^(:env:|global|install)\.$1='(.*)'$/\2/p" | tail -n 1
}

uv_status() { say "installing uv, which installs the rest"; }

install_status() {
  if grep -q "^Installed" "$LOG"; then
    say "all installed, compiling the modules"
  elif grep -q "^Prepared" "$LOG"; then
    say "all downloaded, copying them into the environment"
  else
    say "$(( $(count_archives) - ARCHIVES_BEFORE )) packages downloaded"
  fi
}

count_archives() { { find "$ARCHIVES" -mindepth 1 -maxdepth 1 2> /dev/null || true; } | wc -l; }

give_up() {
  printf 'error: %s\n' \
    "the installation failed: $(reason); run tools/setup.sh again, downloads are kept" \
    "($LOG has all that was printed)" | paste -sd ' ' >&2
  exit 1
}

# The failing package and the last line of what it said: by uv ("error:", then the causes, the last of
# which may quote the output of a build) or by pip ("ERROR:", then the packages that are meant).
reason() {
  awk '
    /^error: / { failure = substr($0, 8); detail = ""; quoted = 0 }
    /^ERROR: / { failure = substr($0, 8); detail = ""; pip = 1 }
    pip && /^ +[A-Za-z0-9._-]+==/ { detail = $1 }
    /^  cause: / { detail = substr($0, 10) }
    /^ +\[stderr\]$/ { quoted = 1; next }
    quoted && /^ +[^ ]/ { detail = $0; sub(/^ +/, "", detail) }
    /^hint: / { quoted = 0 }
    END { print (failure == "" ? "see the log" : failure (detail == "" ? "" : ": " detail)) }
  ' "$LOG"
}

main
