#!/usr/bin/env bash
# Each example, in a small size: it ends well, and only if its result agrees with the serial one. And a bad argument gets
# one sentence. The first argument is how many frames video_frames has; others are given to each after its own.
set -uo pipefail
frames=$1
shift
more=("$@")
cd "$(dirname "$0")" || exit 1

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# expect CODE TEXT COMMAND...
expect() {
  local code=$1 text=$2 output
  shift 2
  output=$("$@" "${more[@]}" 2>&1)
  local got=$?
  [[ $got -eq $code ]] || fail "$* ended with $got instead of $code: $output"
  grep -qF -- "$text" <<<"$output" || fail "$* says nothing of '$text': $output"
  echo "$output"
}

agree="the results agree"
text=$(mktemp "${TEST_TMPDIR:-/tmp}/words.XXXXXX")
trap 'rm -f "$text"' EXIT
echo "One word, two words, three WORDS." >"$text"

expect 0 "$agree" ./quickstart
expect 0 "0 has no reciprocal" ./quickstart
expect 0 "2 words" ./quickstart "$text"
expect 1 "/no/such/file cannot be read" ./quickstart /no/such/file
expect 0 "6 words, 5 of them different" ./word_count "$text"
expect 0 "$agree" ./word_count
expect 1 "/no/such/file cannot be read" ./word_count "$text" /no/such/file
expect 0 "$agree" ./monte_carlo_pi 16 10000
expect 2 'the number of tasks is a number from 1 to 100000, not "many"' ./monte_carlo_pi many
expect 0 "$agree" ./matrix_multiply 3 48
expect 2 "from 1 to 64, not" ./matrix_multiply 65
expect 0 "$agree" ./kmeans 5000 4 5
expect 2 "number of centres" ./kmeans 5000 0
expect 0 "$agree" ./pipeline 20 128
expect 2 "number of frames" ./pipeline 1x
expect 0 "$agree" ./mapreduce_logs 3000
expect 0 "$agree" ./mergesort 50000 4000
expect 0 "$agree" ./mergesort 0
expect 0 "$agree" ./hyperparameter_search 8 500
expect 0 "up to a rate of 0.750 no fifth of the data diverges" ./hyperparameter_search 8 500
expect 0 "$agree" ./parameter_server 2000 3
expect 0 "of 24 gradients applied" ./parameter_server 2000 3
expect 0 "$agree" ./game_of_life 5 64 3
expect 0 "$agree" ./web_crawler_sim 200
expect 0 "$agree" ./video_frames "$frames"
expect 2 "number of frames" ./video_frames x
