#!/usr/bin/env bash
# Everything that CI runs, in one command, from a fresh Debian 12: installs what is missing, then format, lint, sanitizers,
# unit and story tests, and live tests on real guests. Can be run again: what is built is not built twice.
#
#   tests/run.sh            all of it
#   tests/run.sh --no-live  without real guests (a few minutes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

live=ON
case ${1:-} in
  '') ;;
  --no-live) live=OFF ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac

export LABCTL_NO_SKIPS=1 # what was to be installed below and is missing fails
began=$SECONDS
side_by_side=$(($(nproc) * 2)) # many tests wait more than they compute
part() { printf '\n==> %s  (%dm%02ds so far)\n' "$*" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)); }
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "tests: failed: $*" >&2
    exit 1
  fi
  rm -f "$log"
}

part "packages"
tests/packages.sh test

part "format and shell"
mapfile -t sources < <(find labctl tests -name '*.cc' -o -name '*.h' | grep -v '^tests/guests/' | sort)
clang-format --dry-run -Werror "${sources[@]}"
shellcheck -S warning scenarios/*.sh scenarios/sensor/*.sh scenarios/sensor/windows/*.sh tests/*.sh tests/guests/*.sh tests/guests/nt-standin/build tests/live/*.sh .ci/run \
  labctl/guest/scripts/*.sh labctl/image/scripts/*.sh labctl/machine/libvirt/scripts/*.sh \
  images/cloud-image/{import,prepare} images/*/customize images/debian-12/{build,finish,overlay/usr/lib/labctl/make-canary} docs/how-to/pipelines/publish templates/container/build templates/collectors/*.sh templates/rollout/apt-phase debian/tests/{gate,judge}

# The programs as users have them; the rooms' own tests are built with the sanitizers below, and run once.
part "release build, warnings are errors"
quietly cmake --preset release -DLABCTL_LIVE_TESTS=$live
cmake --build --preset release --target labctl labctl-judge fake_labctl

# By the release build's units: what the files of a room include is read once. HeaderFilterRegex shows what is in each file.
# Shadowing is GCC's to find: to clang, names of one file of a unit shadow another's.
part "clang-tidy"
jq -r '.[].file' build/release/compile_commands.json | grep -E "^$PWD/(build/release/)?labctl/" | sort |
  xargs -P "$(nproc)" -n 2 clang-tidy -p build/release --quiet \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-shadow 2>/dev/null

part "AddressSanitizer and UndefinedBehaviorSanitizer"
# The leak check looks its process up in /proc by number, which is another one's where /proc belongs to an outer namespace.
read -r pid _ </proc/self/stat
[[ $pid == "$BASHPID" ]] || { echo "tests: no leak check: /proc is not this namespace's"; export ASAN_OPTIONS=detect_leaks=0; }
quietly cmake --preset asan
cmake --build --preset asan
asan_log=$(mktemp)
asan_tests=
trap 'rm -f "$asan_log"; [[ -z $asan_tests ]] || kill "$asan_tests"' EXIT
ctest --preset asan -L unit -j "$side_by_side" >"$asan_log" 2>&1 & # most of them wait: the compiler works beside them
asan_tests=$!

part "ThreadSanitizer: the rooms that have threads"
quietly cmake --preset tsan
cmake --build --preset tsan --target test_base test_host test_snapshot test_lab test_trust test_reproduction test_gate
part "AddressSanitizer's tests, begun beside the build above"
asan_passed=1
wait "$asan_tests" || asan_passed=0
asan_tests=
tail -"$((asan_passed ? 35 : 400))" "$asan_log"
((asan_passed)) || { echo "tests: failed: ctest --preset asan -L unit" >&2; exit 1; }
part "ThreadSanitizer's tests"
ctest --preset tsan -R '^(base$|gate$|(host|snapshot|lab|trust|reproduction)_)' -j "$side_by_side" | tail -26

if [[ $live == ON ]]; then
  part "guests for the live tests: images, sample candidate, crash zoo"
  built=$(scenarios/images.sh debian-12-linux-6.1 debian-12-linux-6.12)
  mapfile -t kernels < <(sed -n 's/.*\tkernel //p' <<<"$built")
  scenarios/sensor/build.sh --out build/sensor "${kernels[@]}"
  tests/guests/build.sh --out build/zoo "${kernels[@]}"
fi

part "the whole program: style, survival, real guests"
ctest --preset release -LE unit -j "$side_by_side"
part "done"
