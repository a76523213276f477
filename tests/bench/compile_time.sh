#!/bin/bash
# User and system time to build the target labctl here, and in another checkout of it, in alternating pairs: each file by
# itself, -O2, no compiler cache. The median of the pairs' ratios; afterwards once more as the release preset builds
# (CMAKE_UNITY_BUILD), which counts by itself.
#
#   tests/bench/compile_time.sh OTHER_CHECKOUT [PAIRS]     PAIRS: 3

set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
other=$(cd "${1:?the checkout to compare with}" && pwd)
pairs=${2:-3}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/compile-time.XXXXXX")
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1

# Seconds of all processes of a build of $1, configured with the rest of the arguments.
seconds() {
  local source=$1
  shift
  rm -rf "$work/build"
  cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 -DBUILD_TESTING=OFF \
    "$@" >"$work/configure.log"
  local TIMEFORMAT='%U %S'
  { time ninja -C "$work/build" labctl >"$work/build.log" 2>&1; } 2>"$work/time" || cat "$work/build.log" >&2
  awk '{ printf "%.1f\n", $1 + $2 }' "$work/time"
}

files() { find "$1/labctl" -name '*.cc' | wc -l; }

echo "here: $(files "$here") files; the other: $(files "$other") files"
: >"$work/ratios"
for ((i = 1; i <= pairs; ++i)); do
  there=$(seconds "$other" -DCMAKE_UNITY_BUILD=OFF)
  ours=$(seconds "$here" -DCMAKE_UNITY_BUILD=OFF)
  awk -v a="$ours" -v b="$there" 'BEGIN { printf "%.3f\n", a / b }' >>"$work/ratios"
  echo "pair $i: here $ours s, the other $there s, ratio $(tail -n 1 "$work/ratios")"
done
echo "median ratio: $(sort -n "$work/ratios" | awk '{ r[NR] = $1 } END { print r[int((NR + 1) / 2)] }')"
echo "here with CMAKE_UNITY_BUILD: $(seconds "$here" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8) s"
