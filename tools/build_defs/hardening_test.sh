#!/usr/bin/env bash
# What is built with -c opt is hardened: $1 is one of our programs, $2 is testdata/hardened.cc.
set -u
program=$1
sample=$2
failures=0

fail() {
  echo "$*"
  failures=$((failures + 1))
}

# says WHAT PATTERN COMMAND...: the command's output has a line that matches.
says() {
  local what=$1 pattern=$2
  shift 2
  "$@" | grep -qE "$pattern" || fail "$program: $what"
}

says "it is no position-independent executable" 'FLAGS_1.*\bPIE\b' readelf -dW "$program"
says "its symbols are bound as they are called (no BIND_NOW)" 'FLAGS_1.*\bNOW\b' readelf -dW "$program"
says "what is relocated stays writable (no RELRO)" 'GNU_RELRO' readelf -lW "$program"
says "its stack may be executed" 'GNU_STACK.* RW +0x' readelf -lW "$program"
says "its stack frames are not guarded" 'UND __stack_chk_fail@' readelf --dyn-syms -W "$program"
says "its copies are not checked (no _FORTIFY_SOURCE)" 'UND __memcpy_chk@' readelf --dyn-syms -W "$program"

# stops WHERE COUNT MESSAGE: the sample does not survive the overrun; within bounds, it does.
stops() {
  local output
  output=$("$sample" "$1" 4 4 2>&1) || fail "the sample fails where it does nothing wrong: $output"
  output=$("$sample" "$1" 4 "$2" 2>&1)
  [[ $? -eq 134 && "$output" == *"$3"* ]] || fail "an overrun on the $1 goes on: $output"
}

stops stack 12 "stack smashing detected"  # an array of no characters: -fstack-protector-strong
stops heap 5 "buffer overflow detected"  # of a size that is known only when it runs: _FORTIFY_SOURCE=3

exit $((failures > 0))
