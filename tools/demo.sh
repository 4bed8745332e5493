#!/usr/bin/env bash
# From videos to a served network: prepares videos, searches, trains the winner, exports it, asks it, and compares it with a
# hand-made network of the same size.
#
#   tools/demo.sh                       on 420 sample videos that it renders; 12 minutes at most on 2 cores
#   tools/demo.sh --manifest=FILE       on your own videos (columns path,label,split; data_prep.manifest makes one)
#   tools/demo.sh --output_dir=DIR      elsewhere than in demo/
#
# Makes .venv first if there is none. When the script is run again, finished steps are recognised, and one that was stopped
# is resumed.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DATA_GIGABYTES=1

main() {
  local manifest="" output="" short_side=64
  while (( $# )); do
    case "$1" in
      --manifest=*) manifest="$(absolute "${1#*=}")" ;;
      --output_dir=*) output="$(absolute "${1#*=}")" ;;
      --help | -h) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit ;;
      *) fail "unknown argument $1 (--help lists them)" ;;
    esac
    shift
  done
  [[ -z "$manifest" || -f "$manifest" ]] ||
    fail "no such manifest: $manifest (a CSV with the columns path,label,split; python -m data_prep.manifest makes one)"
  [[ -n "$output" ]] || output="$ROOT/demo/$(name_of "$manifest")"
  use_environment
  mkdir -p "$output"
  need_space "$output" "$DATA_GIGABYTES" "The demonstration"
  cd "$ROOT"
  if [[ -z "$manifest" ]]; then
    say "== Rendering sample videos"
    manifest="$output/videos/manifest.csv"
    short_side=48  # Their frames are small.
    [[ -f "$manifest" ]] || python tools/make_sample_videos.py --output_dir="$output/videos"
  fi
  say "== Preparing frames and optical flow (data_prep.extract)"
  python -m data_prep.extract --manifest="$manifest" --output_dir="$output/dataset" --fps=10 --short_side="$short_side"
  say "== Searching, training the winner to the end, exporting it (official.evolve)"
  python -m official.evolve --data_dir="$output/dataset" --model_dir="$output/search" --search_space=small \
    --population_size=4 --tournament_size=2 --rounds=4 --candidate_steps=200 --final_steps=1000 --seed=1
  say "== Loading the SavedModel in a fresh process and asking it about two clips"
  local exported
  exported="$(find "$output/search/export" -mindepth 1 -maxdepth 1 -name '[0-9]*' | sort -V | tail -n 1)"
  python -m tools.show_predictions --saved_model="$exported" --data_dir="$output/dataset"
  say "== Comparing with a network that anybody would draw first"
  # Videos with several labels each, for one, have no table of right answers.
  python -m tools.compare_with_hand_made --model_dir="$output/search" --output_dir="$output/compared" ||
    say "  There is no comparison; what was trained and exported is complete."
  say "== Where everything lies"
  say "  the dataset                       $output/dataset"
  say "  every candidate, and the winner   $output/search (tensorboard --logdir reads it)"
  say "  the comparison                    $output/compared (table.txt)"
  say "  the SavedModel                    $exported"
  say "  TensorFlow Serving takes          --model_base_path=$output/search/export"
}

absolute() { realpath -m -- "${1/#\~/$HOME}"; }

name_of() {
  if [[ -z "$1" ]]; then say "sample"; else basename "$(dirname "$1")"; fi
}

main "$@"
