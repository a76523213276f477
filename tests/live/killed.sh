#!/usr/bin/env bash
# A run that is interrupted ends its guests and leaves a bundle; a run that is killed leaves orphans, and gc ends them.
#
#   killed.sh LABCTL SCENARIO
set -euo pipefail
labctl=$1 scenario=$2
out=$(mktemp -d)
export LABCTL_RUNTIME=$out/r # so that only this test's guests are looked at
trap '[[ -z ${run:-} ]] || kill -9 "$run" 2>/dev/null || true; "$labctl" gc >/dev/null 2>&1 || true; rm -rf "$out"' EXIT

fail() { echo "FAILED: $*"; exit 1; }
guests() { pgrep -fc -- "qemu-system.*$LABCTL_RUNTIME" || true; }
start() {
  "$labctl" run "$scenario" --out "$out/$1" >"$out/$1.stdout" 2>"$out/$1.stderr" &
  run=$!
  for ((i = 0; i < 9000; ++i)); do # a busy host is slow; the run itself knows when it is stuck
    grep -qs 'boot 1/3' "$out/$1.stderr" && return
    kill -0 "$run" 2>/dev/null || { cat "$out/$1.stderr"; fail "the run ended by itself"; }
    sleep 0.1
  done
  fail "no cell came as far as its first reboot"
}

start interrupted
kill -HUP "$run" && kill -TERM "$run" && kill -INT "$run" # at once, as a terminal that is closed does
code=0
wait "$run" || code=$?
run=
[[ $code == 130 ]] || fail "an interrupted run exits with $code"
[[ $(guests) == 0 ]] || fail "an interrupted run leaves guests behind"
grep -q '"interrupted": true' "$out"/interrupted/*/verdict.json || fail "the bundle does not say interrupted"
grep -q '"verdict": "no-verdict"' "$out"/interrupted/*/verdict.json || fail "an interrupted run gives a verdict"

start killed
[[ $(guests) -gt 0 ]] || fail "there are no guests to be orphaned"
# A QEMU that dies by itself, as far as anybody can see, has been taken along by the candidate that was in its guest.
for ((i = 0; i < 9000; ++i)); do
  cell=$(grep -o '[^ ]*driver-candidate[^ ]* .*boot 1/3' "$out/killed.stderr" | head -1 | cut -d ' ' -f 1 || true)
  [[ -z $cell ]] || break
  sleep 0.1
done
[[ -n $cell ]] || fail "no candidate came as far as its first reboot"
kill -9 "$(pgrep -f -- "qemu-system.*$LABCTL_RUNTIME.*$cell" | head -1)"
for ((i = 0; i < 600; ++i)); do
  grep -q "$cell.*crashed" "$out/killed.stderr" && break
  sleep 0.1
done
((i < 600)) || fail "nobody noticed that a QEMU died"
! grep 'trying again' "$out/killed.stderr" || fail "the candidate's cell was tried again"
kill -9 "$run"
wait "$run" 2>/dev/null || true
run=
"$labctl" gc
[[ $(guests) == 0 ]] || fail "gc leaves orphans"
ls -d "$out"/killed/*.partial >/dev/null || fail "the killed run's evidence is gone"
code=0
"$labctl" judge "$out"/killed/*.partial >"$out/judged" || code=$?
cat "$out/judged"
grep -q 'hypervisor process ended' "$out/judged" || fail "the verdict does not mention the QEMU that died"
[[ $code == 3 ]] || fail "a killed run's bundle gives exit code $code"
"$labctl" gc | tee "$out/again"
# What this user has kept elsewhere is told each time.
grep -qx 'nothing to do' "$out/again" || fail "gc finds something again"
