#!/usr/bin/env bash
# check_compile_fail.sh accepts the one good case and refuses every way in which it could pass by accident.
set -u
check=$PWD/tools/build_defs/check_compile_fail.sh
cd "$TEST_TMPDIR" || exit 1

echo 0 >ok
echo 1 >bad
: >empty
printf 'In file included from a.cc:1:\na.h:3:1: error: static assertion failed: no pointers\na.cc:9:2: error: second\n' >errors
printf 'a.cc:9:2: error: second\na.h:3:1: error: static assertion failed: no pointers\n' >other_first
printf 'terminated by signal\n' >crash
printf 'no pointers\na.cc:9:2\n' >expect

failures=0
expect_result() {
  local want=$1
  shift
  "$check" "$@" >output 2>&1
  local got=$?
  if [[ "$got" != "$want" ]]; then
    echo "expected exit code $want, got $got: $*"
    cat output
    failures=$((failures + 1))
  fi
}

expect_result 0 bad errors ok empty expect
expect_result 1 ok empty ok empty expect          # compiles
expect_result 1 bad errors bad errors expect      # does not compile without the mistake either
expect_result 1 bad other_first ok empty expect   # another error comes first
expect_result 1 bad crash ok empty expect         # the compiler crashed
expect_result 1 bad empty ok empty expect
expect_result 1 bad errors ok empty empty         # nothing expected
exit "$((failures > 0))"
