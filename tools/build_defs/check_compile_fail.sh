#!/usr/bin/env bash
# What troupe_compile_fail_test runs: judges two compilations that the build recorded.
#
#   check_compile_fail.sh REFUSED_CODE REFUSED_OUTPUT ACCEPTED_CODE ACCEPTED_OUTPUT EXPECT
set -u
refused_code=$(<"$1") refused_output=$2
accepted_code=$(<"$3") accepted_output=$4
expect=$5

fail() {
  echo "FAILED: $1"
  shift
  for file in "$@"; do
    echo "--- $file"
    head -n 60 "$file"
  done
  exit 1
}

[[ "$accepted_code" == 0 ]] || fail "with TROUPE_COMPILE_OK defined the source must compile, but does not" "$accepted_output"
[[ "$refused_code" != 0 ]] || fail "the source compiles, though it must be refused" "$expect"

first_error=$(grep -m1 -E '(^|: )(fatal )?error: ' "$refused_output") ||
  fail "the compiler stopped with code $refused_code but named no error" "$refused_output"

checked=0
while IFS= read -r pattern; do
  [[ -n "$pattern" ]] || continue
  if [[ "$checked" == 0 ]]; then
    grep -qE -- "$pattern" <<<"$first_error" ||
      fail "the first error does not match '$pattern': $first_error" "$refused_output"
  else
    grep -qE -- "$pattern" "$refused_output" || fail "nothing in the output matches '$pattern'" "$refused_output"
  fi
  checked=$((checked + 1))
done <"$expect"
[[ "$checked" -gt 0 ]] || fail "nothing was expected"
echo "refused as expected: $first_error"
