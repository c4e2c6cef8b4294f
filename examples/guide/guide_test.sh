#!/usr/bin/env bash
# The programs of docs/guide.md and docs/from_*.md run and say what they should, and the code there is theirs. Arguments
# are given to each.
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
expect examples/guide/by_value "by value, the area is 6"
expect examples/guide/from_cpp "the parts add up to 12, and both have 2 rows"
expect examples/guide/from_dask "10 pages were found"
expect examples/guide/from_joblib "the last score is 7, the copy's offset 1"
expect examples/guide/from_ray "14"
expect examples/guide/in_process "a fig costs 4"
expect examples/guide/named "the area is 6"
expect examples/guide/named "the counter is at 2"
expect examples/guide/streams "12 squared is 144"
expect examples/guide/sync "the answer squared is 49"
expect examples/guide/sync "the balance is 110"
expect examples/guide/sync "the numbers add up to 5050"
for page in docs/guide.md docs/from_*.md; do
  python3 examples/guide/check_code.py "$page" examples/guide/*.cc
done
