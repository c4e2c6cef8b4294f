#!/usr/bin/env bash
# mutate.sh FILE LINE BECOMES: the file with that text, which it has exactly once, replaced.
set -euo pipefail
text=$(cat "$1")
rest=${text#*"$2"}
[[ "$rest" != "$text" ]] || { echo "$1 has no '$2': change the mutant in tests/simulation/mutants" >&2; exit 1; }
[[ "${rest#*"$2"}" == "$rest" ]] || { echo "$1 has '$2' more than once: make the mutant's line longer" >&2; exit 1; }
printf '%s%s%s\n' "${text%%"$2"*}" "$3" "$rest"
