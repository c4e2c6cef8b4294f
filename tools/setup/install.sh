#!/usr/bin/env bash
# Installs the Debian packages named in the given lists, where any is missing.
#
#   tools/setup/install.sh tools/setup/packages-build.txt [more lists]
#
# A list has one package a line; '#' starts a comment. Says what it installs; needs root or sudo for that; never removes
# a package; touches the network only if something is missing. On a system without apt it goes on if the tools are there
# all the same, and otherwise names what to install and stops.
set -euo pipefail

packages=()
for list in "$@"; do
  while read -r package _ || [[ -n "$package" ]]; do
    [[ -z "$package" || "$package" == \#* ]] || packages+=("$package")
  done <"$list"
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  absent=()
  for tool in bazel c++ capnp pkg-config; do
    command -v "$tool" >/dev/null || absent+=("$tool")
  done
  for module in absl_status absl_strings capnp kj libuv liblz4 libxxhash gmock benchmark; do
    [[ " ${absent[*]} " == *" pkg-config "* ]] || pkg-config --exists "$module" || absent+=("$module.pc")
  done
  [[ ${#absent[@]} -eq 0 ]] && exit 0
  echo "troupe: this is not a Debian system, so nothing is installed automatically, and it lacks: ${absent[*]}" >&2
  echo "troupe: install what these Debian packages contain, then try again: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$status" == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

install=(apt-get install -y -qq --no-install-recommends --no-remove "${missing[@]}")
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "troupe: missing packages: ${missing[*]}" >&2
    echo "troupe: only root can install them. As root, run:  apt-get update && ${install[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
as_root+=(env DEBIAN_FRONTEND=noninteractive)

echo "troupe: installing ${missing[*]}" >&2
lock=(-o DPkg::Lock::Timeout=600)
# The lists on the machine may be good enough; if they are not, the installation says so.
"${as_root[@]}" apt-get "${lock[@]}" update -qq >&2 || echo "troupe: apt-get update failed; going on with the old lists" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${as_root[@]}" "${install[0]}" "${lock[@]}" "${install[@]:1}" </dev/null >"$log" 2>&1; then
  cat "$log" >&2
  echo "troupe: could not install ${missing[*]}: the lines above say why" >&2
  exit 1
fi
