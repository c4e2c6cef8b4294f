#!/usr/bin/env bash
# `troupe up`, `status` and `down`, programs that find the running cluster, and what a wrong command line gets.
set -uo pipefail
troupe=$PWD/$1
program=$PWD/$2
hoard=$PWD/$3
TROUPE_RUNTIME_DIR=$(mktemp -d /tmp/troupe-test.XXXXXX)
export TROUPE_RUNTIME_DIR
chmod 700 "$TROUPE_RUNTIME_DIR"
unset TROUPE_ADDRESS
trap '"$troupe" down >/dev/null 2>&1; rm -rf "$TROUPE_RUNTIME_DIR"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# expect CODE TEXT COMMAND...: the exit code, and a text in what it prints, within ten seconds.
expect() {
  local code=$1 text=$2 output
  shift 2
  output=$(timeout 10 "$@" 2>&1)
  local got=$?
  [[ $got -eq $code ]] || fail "$* ended with $got instead of $code: $output"
  grep -qF -- "$text" <<<"$output" || fail "$* says nothing of '$text': $output"
}

expect 1 "start one with \`troupe up\`" "$troupe" status
expect 1 "start one with \`troupe up\`" "$troupe" down
expect 2 "usage" "$troupe"
expect 2 "usage" "$troupe" frobnicate
expect 2 "number of workers" "$troupe" up --workers=many
expect 2 "is not a size" "$troupe" up --object_store_memory=big
# In two directories, and an empty name: of a variable that is not set, most likely.
spill=$TROUPE_RUNTIME_DIR/spill
mkdir -p "$spill"/{a,b}
expect 2 "cannot make a file in $spill/none: No such file" "$troupe" up --spill_dir="$spill/a,$spill/none"
expect 2 "\"$spill/a,,$spill/b\" has an empty name" "$troupe" up --spill_dir="$spill/a,,$spill/b"
expect 2 "\"\" has an empty name" "$troupe" up --spill_dir
expect 1 "\"$spill/a,\" has an empty name" "$program" --troupe_address=embedded --troupe_spill_dir="$spill/a,"
expect 2 "is no flag of Troupe" "$program" --troupe_frob=1
expect 1 "is no address of a cluster" "$program" --troupe_address=tcp:somewhere
expect 1 "start one with \`troupe up\`" "$program" --troupe_address=unix:/nowhere/node.sock
expect 1 "at most 107" env TROUPE_RUNTIME_DIR="$TROUPE_RUNTIME_DIR/$(printf 'x%.0s' {1..120})" "$troupe" up
chmod 755 "$TROUPE_RUNTIME_DIR"
expect 1 "not a directory of yours alone" "$troupe" up
chmod 700 "$TROUPE_RUNTIME_DIR"

# `up` makes the directory, for nobody else, whatever the umask is.
rm -rf "$TROUPE_RUNTIME_DIR"
umask 0
expect 0 "started" "$troupe" up --workers=2 --object_store_memory=256MiB --detach
umask 022
[[ $(stat -c %a "$TROUPE_RUNTIME_DIR") == 700 ]] || fail "others may enter the runtime directory"
[[ $(stat -c %a "$TROUPE_RUNTIME_DIR/node.sock") == 600 ]] || fail "others may connect to the socket"
mkdir -p "$spill"/{a,b}
expect 1 "running already" "$troupe" up
expect 0 "2 cpus" "$troupe" status
expect 0 "none" "$troupe" list tasks
expect 0 "[" "$troupe" list workers --json
expect 0 "is not known" "$troupe" why t-1.1
expect 0 "nothing is known" "$troupe" story w-1
expect 0 "is no id" "$troupe" why nonsense
expect 2 "usage" "$troupe" why
# What another program keeps: how large, in what state, held by how many, by whom it was made; nothing when it has ended.
expect 0 "0 objects" "$troupe" memory
coproc "$hoard"
hoarder=$COPROC_PID
read -r -t 10 ready <&"${COPROC[0]}" || fail "$hoard says nothing"
expect 0 "store    256.0 MiB: objects 4.8 MiB, leased" "$troupe" memory
expect 0 "spilled  0 B; small values in the node 0 B; 2 objects" "$troupe" memory
for line in '2\.9 MiB in memory +1 +0 +[0-9] +Put$' '1\.9 MiB in memory +1 +0 +[0-9] +Hoard$'; do
  "$troupe" memory | grep -qE -- "$line" || fail "troupe memory has no '$line': $("$troupe" memory)"
done
eval "exec ${COPROC[1]}>&-"
wait "$hoarder" || fail "$hoard ended with $?"
expect 0 "0 objects" "$troupe" memory
# In a pipe: nobody may keep its end open after the program has ended.
expect 0 "9" bash -c "'$program' | cat"
expect 0 "9" bash -c "'$program' | cat"
expect 0 "0 unfinished" "$troupe" status
expect 0 "stopped" "$troupe" down
[[ ! -e $TROUPE_RUNTIME_DIR/node.sock ]] || fail "the socket is still there"

# What was stopped can be started at once.
for _ in {1..20}; do
  expect 0 "started" "$troupe" up --workers=1 --detach
  expect 0 "stopped" "$troupe" down
done

# Where values do not fit, each of the directories gets some.
expect 0 "started" "$troupe" up --workers=1 --object_store_memory=4MiB --spill_dir="$spill/a,$spill/b" --detach
pid=$(cat "$TROUPE_RUNTIME_DIR/node.pid")
mkfifo "$spill/hold"
"$hoard" <"$spill/hold" &
first=$!
"$hoard" <"$spill/hold" &
second=$!
exec {hold}>"$spill/hold"
files_in() { ls -l "/proc/$pid/fd" | grep -cF -- "$spill/$1/"; }
until=$((SECONDS + 30))
while [[ $(files_in a) -eq 0 || $(files_in b) -eq 0 ]]; do
  [[ $SECONDS -lt $until ]] || fail "nothing was spilled to one of $spill/{a,b}: $("$troupe" memory)"
done
exec {hold}>&-
wait "$first" && wait "$second" || fail "$hoard ended with $?"
expect 0 "stopped" "$troupe" down

# A node that was killed: told as such, and replaced by the next start.
expect 0 "started" "$troupe" up --workers=1 --detach
pid=$(cat "$TROUPE_RUNTIME_DIR/node.pid")
kill -9 "$pid"
while kill -0 "$pid" 2>/dev/null; do :; done
expect 1 "the node has died" "$troupe" status
expect 0 "started" "$troupe" up --workers=1 --detach
expect 0 "9" "$program"
expect 0 "stopped" "$troupe" down
echo "passed"
