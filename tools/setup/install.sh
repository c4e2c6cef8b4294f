#!/usr/bin/env bash
# Installs the Debian packages named in the given lists, where any is missing.
#
#   tools/setup/install.sh tools/setup/packages-build.txt [more lists]
#
# Says what it installs; needs root or sudo for that; never removes a package; touches the network only if something is
# missing. On a system without apt it names what to install and stops.
set -euo pipefail

packages=()
for list in "$@"; do
  while read -r package; do [[ -n "$package" ]] && packages+=("$package"); done <"$list"
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "troupe: this is not a Debian system, so nothing is installed automatically." >&2
  echo "troupe: install what these Debian packages contain, then run bazel yourself: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$status" == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "troupe: installing ${missing[*]}" >&2
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "troupe: that needs root: run  apt-get install --no-remove ${missing[*]}  as root, then try again" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" apt-get install -y -qq --no-install-recommends --no-remove "${missing[@]}" >&2
