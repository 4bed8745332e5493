#!/usr/bin/env bash
# From videos to a served network: prepares videos, searches, trains the winner, exports it, asks it, and compares it with a
# hand-made network of the same size.
#
#   tools/demo.sh                       on 420 sample videos that it renders; some 12 minutes on 2 cores
#   tools/demo.sh --task=restoration    another question: enlarges frames by 2; ends with a picture of input, output and truth
#                                       instead of a comparison; 8 minutes at most, on 120 sample videos
#   tools/demo.sh --task=segmentation   the class of every pixel, in the same way; a manifest needs the column mask
#   tools/demo.sh --manifest=FILE       on your own videos (columns path,label,split; data_prep.manifest makes one)
#   tools/demo.sh --output_dir=DIR      elsewhere than in demo/
#
# Makes .venv first if there is none. When the script is run again, finished steps are recognised, and one that was stopped
# is resumed.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DATA_GIGABYTES=1
TASKS="classification restoration segmentation"

main() {
  local manifest="" output="" task=classification
  while (( $# )); do
    case "$1" in
      --task=*) task="${1#*=}" ;;
      --manifest=*) manifest="$(absolute "${1#*=}")" ;;
      --output_dir=*) output="$(absolute "${1#*=}")" ;;
      --help | -h) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit ;;
      *) fail "unknown argument $1 (--help lists them)" ;;
    esac
    shift
  done
  [[ -n "$task" && " $TASKS " == *" $task "* ]] ||
    fail "unknown task '$task'; give one of: $TASKS"
  [[ -z "$manifest" || -f "$manifest" ]] ||
    fail "no such manifest: $manifest (a CSV with the columns path,label,split; python -m data_prep.manifest makes one)"
  [[ -n "$output" ]] || output="$ROOT/demo/$(name_of "$manifest" "$task")"
  use_environment
  mkdir -p "$output"
  need_space "$output" "$DATA_GIGABYTES" "The demonstration"
  cd "$ROOT"
  "$task" "$manifest" "$output"
}

# A task is a function of a manifest, empty for sample videos, and the folder for all that is made.

classification() {
  local manifest="$1" output="$2" short_side=64 exported
  if [[ -z "$manifest" ]]; then
    render "$output"
    manifest="$output/videos/manifest.csv"
    short_side=48  # Their frames are small.
  fi
  say "== Preparing frames and optical flow (data_prep.extract)"
  python -m data_prep.extract --manifest="$manifest" --output_dir="$output/dataset" --fps=10 --short_side="$short_side"
  say "== Searching, training the winner to the end, exporting it (official.evolve)"
  python -m official.evolve --data_dir="$output/dataset" --model_dir="$output/search" --search_space=small \
    --population_size=4 --tournament_size=2 --rounds=4 --candidate_steps=200 --final_steps=1000 --seed=1
  say "== Loading the SavedModel in a fresh process and asking it about two clips"
  exported="$(newest "$output/search/export")"
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

restoration() {
  local manifest="$1" output="$2" short_side=128
  if [[ -z "$manifest" ]]; then
    render "$output" --clips_per_class=20
    manifest="$output/videos/manifest.csv"
    short_side=72
  fi
  say "== Preparing frames (data_prep.extract)"
  python -m data_prep.extract --manifest="$manifest" --output_dir="$output/dataset" --fps=10 --short_side="$short_side" \
    --flow=none
  say "== Searching for a network that enlarges frames, training the winner to the end, exporting it (official.evolve)"
  python -m official.evolve --data_dir="$output/dataset" --model_dir="$output/search" --task=restoration \
    --degrade=bicubic:2 --search_space=restoration --image_size=48 --optimizer=adamw --learning_rate=0.003 --batch_size=8 \
    --population_size=4 --tournament_size=2 --rounds=3 --candidate_steps=100 --final_steps=600 --seed=1
  ask_of_held_out "$manifest" "$output" --clean
}

segmentation() {
  local manifest="$1" output="$2" short_side=128
  if [[ -z "$manifest" ]]; then
    render "$output" --clips_per_class=20 --masks
    manifest="$output/videos/manifest.csv"
    short_side=72
  fi
  say "== Preparing frames and masks (data_prep.extract)"
  python -m data_prep.extract --manifest="$manifest" --output_dir="$output/dataset" --fps=10 --short_side="$short_side" \
    --flow=none
  say "== Searching for a network that segments, training the winner to the end, exporting it (official.evolve)"
  python -m official.evolve --data_dir="$output/dataset" --model_dir="$output/search" --task=segmentation \
    --search_space=segmentation --image_size=63 --optimizer=adamw --learning_rate=0.003 --batch_size=8 \
    --population_size=4 --tournament_size=2 --rounds=3 --candidate_steps=100 --final_steps=600 --seed=1
  ask_of_held_out "$manifest" "$output" --overlay
}

# Asks about whole videos that no training has seen, where the truth is known.
ask_of_held_out() {
  local manifest="$1" output="$2" exported videos
  shift 2
  say "== Asking about whole videos that it has not seen, and comparing with the truth (official.predict)"
  exported="$(newest "$output/search/export")"
  videos="$(held_out "$manifest")"
  mapfile -t videos <<< "$videos"
  python -m official.predict --saved_model="$exported" --output="$output/answers" --overwrite "$@" \
    --compare="$output/compared.png" --manifest="$manifest" "${videos[@]}"
  say "== Where everything lies"
  say "  the dataset                       $output/dataset"
  say "  every candidate, and the winner   $output/search (tensorboard --logdir reads it)"
  say "  the SavedModel                    $exported"
  say "  what it makes of videos           $output/answers (metrics.csv)"
  say "  input, output and truth           $output/compared.png"
}

render() {
  local output="$1"
  shift
  say "== Rendering sample videos"
  [[ -f "$output/videos/manifest.csv" ]] || python tools/make_sample_videos.py --output_dir="$output/videos" "$@"
}

newest() { find "$1" -mindepth 1 -maxdepth 1 -name '[0-9]*' | sort -V | tail -n 1; }

# Prints three videos of the test split, or of the validation split where that is empty.
held_out() {
  python - "$1" << 'END'
import sys
from data_prep.dataset import rows
listed = rows.read(sys.argv[1])
for split in ("test", "validation", "train"):
  found = sorted({row.location for row in listed if row.split == split})
  if found:
    break
print(*found[:: -(-len(found) // 3)], sep="\n")
END
}

absolute() { realpath -m -- "${1/#\~/$HOME}"; }

name_of() {
  local name=sample
  [[ -z "$1" ]] || name="$(basename "$(dirname "$1")")"
  [[ "$2" == classification ]] || name+="-$2"
  say "$name"
}

main "$@"
