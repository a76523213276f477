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
kill -9 "$run"
wait "$run" 2>/dev/null || true
run=
"$labctl" gc
[[ $(guests) == 0 ]] || fail "gc leaves orphans"
ls -d "$out"/killed/*.partial >/dev/null || fail "the killed run's evidence is gone"
code=0
"$labctl" judge "$out"/killed/*.partial || code=$?
[[ $code == 3 ]] || fail "a killed run's bundle gives exit code $code"
[[ $("$labctl" gc) == "nothing to do" ]] || fail "gc finds something again"
