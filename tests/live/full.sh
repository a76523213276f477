#!/usr/bin/env bash
# The disk under the cache fills up: while the live snapshot is made, while a cell runs, and under a dump. By hand, as root: a small tmpfs of its
# own, with a copy of the image in it. Each time: the reason is said, nothing is corrupted, and with room again it goes on.
#
#   full.sh LABCTL SCENARIO [CRASHES]     SCENARIO passes and exercises; short: one image, one reboot; CRASHES: it fails
set -euo pipefail
labctl=$1 scenario=$2
shared=${LABCTL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/labctl}
out=$(mktemp -d)
export LABCTL_RUNTIME=$out/r LABCTL_CACHE=$out/cache
writes=$(dirname "$scenario")/.full-$$.yaml run=
trap '[[ -z $run ]] || kill -9 "$run" 2>/dev/null || true; "$labctl" gc >/dev/null 2>&1 || true; umount -l "$LABCTL_CACHE" "$out/out" 2>/dev/null || true; rm -rf "$out" "$writes"' EXIT

fail() { echo "FAILED: $*"; exit 1; }
resize() { mount -o "remount,size=$1" "$LABCTL_CACHE"; }
whole() { "$labctl" image verify "$image" || fail "the image is not what it was"; }

mkdir -p "$LABCTL_CACHE" "$out/out"
mount -t tmpfs -o size=8g,mode=700 tmpfs "$LABCTL_CACHE"
image=$("$labctl" plan --json "$scenario" | jq -r '.cells[0].image')
disk=$(LABCTL_CACHE=$shared "$labctl" image list --json | jq -r ".images[] | select(.name == \"$image\") | .sha256")
for version in "$shared/images/$image"/*/; do
  [[ $(jq -r .sha256 "$version/facts.json") == "$disk" ]] || continue
  mkdir -p "$LABCTL_CACHE/images/$image/$(basename "$version")"
  find "$version" -maxdepth 1 -type f -exec cp -a -t "$LABCTL_CACHE/images/$image/$(basename "$version")" {} +
done
cp -a "$shared/host" "$LABCTL_CACHE/host" # what was proved of this host
whole

echo "== full while the live snapshot is made"
resize $(($(du -sm "$LABCTL_CACHE" | cut -f1) + 60))m
code=0
"$labctl" image build --needed-by "$scenario" >"$out/snapshot.stdout" 2>"$out/snapshot.stderr" || code=$?
tail -3 "$out/snapshot.stderr"
[[ $code == 3 ]] || fail "exit code $code"
grep -qi 'no space left\|disk failed under the guest' "$out/snapshot.stderr" || fail "no reason"
whole
[[ -z $(find "$LABCTL_CACHE/images" -name '*.partial' -o -name snapshot.json) ]] || fail "half a snapshot is left"
resize 8g
"$labctl" image build --needed-by "$scenario" || fail "with room it is not made"

echo "== full while a cell runs"
sed 's|exercise: *\[.*\]|exercise: [dd if=/dev/urandom of=/root/fill bs=1M count=64 conv=fsync]|' "$scenario" >"$writes"
"$labctl" run "$writes" --out "$out/out" --jobs 1 >"$out/run.stdout" 2>"$out/run.stderr" &
run=$!
until grep -qs 'driver-candidate.*install driver' "$out/run.stderr"; do
  kill -0 "$run" 2>/dev/null || { cat "$out/run.stderr"; fail "the run ended before"; }
  sleep 0.1
done
resize $(($(du -sm "$LABCTL_CACHE" | cut -f1) + 1))m
code=0
wait "$run" || code=$?
run=
cat "$out/run.stdout"
[[ $code == 3 ]] || fail "exit code $code"
grep -qi 'no space left\|disk failed under the guest\|not enough disk space' "$out/run.stdout" "$out/run.stderr" || fail "no reason"
whole
resize 8g
"$labctl" run "$writes" --out "$out/out" --jobs 1 || fail "with room it does not pass"

if [[ -n ${3:-} ]]; then
  echo "== full under the bundle, while the memory of a guest that crashed is dumped"
  mount -t tmpfs -o size=3g tmpfs "$out/out"
  "$labctl" run "$3" --out "$out/out" --jobs 1 --dumps 1 >"$out/dump.stdout" 2>"$out/dump.stderr" &
  run=$!
  until compgen -G "$out/out/*/cells/*/memory.kdump" >/dev/null; do
    kill -0 "$run" 2>/dev/null || { cat "$out/dump.stderr"; fail "the run ended before"; }
    sleep 0.02
  done
  mount -o "remount,size=$(($(du -sm "$out/out" | cut -f1) + 3))m" "$out/out"
  code=0
  wait "$run" || code=$?
  run=
  cat "$out/dump.stdout"
  head "$out"/out/*/cells/*/no-dump.txt || fail "no reason"
  [[ -z $(find "$out/out" -name '*.kdump') ]] || fail "half a dump is left"
  [[ $code == 1 ]] || fail "exit code $code: the crash is what counts"
  "$labctl" judge "$out"/out/* >/dev/null || [[ $? == 1 ]] || fail "the bundle is not whole"
fi
echo "all of it: reasons are told, nothing is corrupted, and with room it goes on"
