#!/usr/bin/env bash
# A detached actor outlives its driver; another build calls its methods by name, and by nothing else.
set -uo pipefail
troupe=$PWD/$1
first=$PWD/$2
second=$PWD/$3
TROUPE_RUNTIME_DIR=$(mktemp -d /tmp/troupe-test.XXXXXX)
export TROUPE_RUNTIME_DIR
chmod 700 "$TROUPE_RUNTIME_DIR"
unset TROUPE_ADDRESS
trap '"$troupe" down >/dev/null 2>&1; rm -rf "$TROUPE_RUNTIME_DIR"' EXIT

# expect CODE TEXT COMMAND...: into a file, since the actor's process keeps what its driver wrote to.
expect() {
  local code=$1 text=$2 output
  shift 2
  timeout 60 "$@" >"$TROUPE_RUNTIME_DIR/output" 2>&1
  local got=$?
  output=$(<"$TROUPE_RUNTIME_DIR/output")
  if [[ $got -ne $code ]] || ! grep -qF -- "$text" <<<"$output"; then
    echo "FAILED: $* ended with $got instead of $code, and said: $output" >&2
    exit 1
  fi
}

expect 0 "started" "$troupe" up --workers=2 --object_store_memory=64MiB --detach
expect 0 "first made it: 1" "$first" make
expect 0 "first counts 2" "$first"
expect 1 "BuildMismatch" "$second"
expect 1 "CallNamed" "$second"
expect 0 "second counts 3" "$second" named
expect 0 "first counts 4" "$first" named
expect 0 "stopped" "$troupe" down
