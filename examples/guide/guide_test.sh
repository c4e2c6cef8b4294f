#!/usr/bin/env bash
# The programs of docs/guide.md run and say what they should, and its code is theirs. Arguments are given to each.
set -euo pipefail
more=("$@")
expect() {
  local output
  output=$("$1" "${more[@]}")
  grep -qF -- "$2" <<<"$output" || { echo "FAILED: $1 says nothing of '$2': $output" >&2; exit 1; }
  echo "$output"
}
expect examples/guide/tasks "the means add up to 10"
expect examples/guide/actors "0 pears are left"
expect examples/guide/actors "the last average is 7"
expect examples/guide/actors "2 plums were taken"
expect examples/guide/actors "figs cost 4, apples 6"
expect examples/guide/in_process "a fig costs 4"
expect examples/guide/streams "12 squared is 144"
expect examples/guide/sync "the answer squared is 49"
expect examples/guide/sync "the balance is 110"
expect examples/guide/sync "the numbers add up to 5050"
python3 examples/guide/check_code.py docs/guide.md examples/guide/*.cc
