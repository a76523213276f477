#!/usr/bin/env bash
# Real guests, and everything around them killed: labctl at random moments (gone on with afterwards), QEMU killed, stopped, without memory.
# By hand: takes a run's time for each part.
#
#   survive.sh LABCTL SCENARIO [KILLS]     SCENARIO passes; short: one image, one reboot
set -euo pipefail
labctl=$1 scenario=$2 kills=${3:-4}
out=$(mktemp -d)
export LABCTL_RUNTIME=$out/r # so that only this test's guests are looked at
run=
trap '[[ -z $run ]] || kill -9 "$run" 2>/dev/null || true; "$labctl" gc >/dev/null 2>&1 || true; rm -rf "$out"' EXIT

fail() { echo "FAILED: $*"; exit 1; }
guests() { pgrep -f -- "qemu-system.*$LABCTL_RUNTIME/" || true; }
count() { guests | grep -c . || true; }
bundle() { find "$out/$1" -mindepth 1 -maxdepth 1 -type d | head -1; }
start() { # NAME ARGUMENTS...
  local name=$1
  shift
  "$labctl" run "$@" --jobs 2 >"$out/$name.stdout" 2>>"$out/$name.stderr" &
  run=$!
}
verdict_of() { sed -n 's/^  "verdict": "\(.*\)",$/\1/p' "$(bundle "$1")/verdict.json"; }
wait_for() { # NAME PATTERN
  for ((i = 0; i < 9000; ++i)); do
    grep -qs -- "$2" "$out/$1.stderr" && return
    kill -0 "$run" 2>/dev/null || { cat "$out/$1.stderr"; fail "the run ended before '$2'"; }
    sleep 0.1
  done
  fail "no '$2'"
}

for signal in KILL STOP TERM; do
  echo "== QEMU gets SIG$signal, once"
  start "$signal" "$scenario" --out "$out/$signal"
  wait_for "$signal" 'candidate.*boot 1/1: settle'
  victim=$(pgrep -f -- "qemu-system.*$LABCTL_RUNTIME/.*driver-candidate" | head -1)
  kill "-$signal" "$victim"
  code=0
  wait "$run" || code=$?
  run=
  cat "$out/$signal.stdout"
  if [[ $signal == KILL ]]; then # it died by itself, as far as anybody can see, with the candidate in the guest
    ! grep 'trying again' "$out/$signal.stderr" || fail "it was tried again"
    grep 'hypervisor died' "$out/$signal.stdout" || fail "the reason is missing"
    [[ $code == 1 ]] || fail "exit code $code"
  else
    grep 'trying again' "$out/$signal.stderr" || fail "it was not tried again"
    [[ $code == 0 ]] || fail "exit code $code"
  fi
  [[ $(count) == 0 ]] || fail "the guest is left behind"
done

echo "== QEMU gets no memory"
code=0
(ulimit -v 1300000 && exec "$labctl" run "$scenario" --out "$out/memory" --jobs 1) >"$out/memory.stdout" 2>"$out/memory.stderr" || code=$?
cat "$out/memory.stdout"
grep 'trying again.*Cannot allocate memory' "$out/memory.stderr" || fail "no reason, or not tried again"
grep -q 'lab-failed' "$out/memory.stdout" || fail "it is not called the lab's"
[[ $code == 3 && $(verdict_of memory) == no-verdict ]] || fail "exit code $code"
[[ $(count) == 0 ]] || fail "a guest is left behind"

echo "== labctl is killed $kills times in one run, at random moments"
start killed "$scenario" --out "$out/killed"
for ((n = 1; n <= kills; ++n)); do
  pause=$((RANDOM % 40 + 2))
  sleep "$pause"
  kill -9 "$run" 2>/dev/null || { wait "$run" || true; echo "   it had ended"; break; }
  wait "$run" 2>/dev/null || true
  orphans=$(count)
  if ((n % 2)); then
    "$labctl" gc >/dev/null
    [[ $(count) == 0 ]] || fail "gc leaves orphans"
  fi
  where=$(tail -1 "$out/killed.stderr" | cut -c1-100)
  echo "   kill $n after ${pause}s: $orphans guests orphaned, last line: $where"
  if [[ -n $(bundle killed) && -f $(bundle killed)/run.json ]]; then
    start killed --resume "$(bundle killed)"
  else
    rm -rf "$out/killed"
    start killed "$scenario" --out "$out/killed"
  fi
done
code=0
wait "$run" || code=$?
run=
cat "$out/killed.stdout"
grep "going on" "$out/killed.stderr" || true
[[ $code == 0 && $(verdict_of killed) == passed ]] || fail "gone on with, it gives exit code $code"
[[ $(count) == 0 && -z $(ls "$LABCTL_RUNTIME") ]] || fail "something is left behind"

echo "all of it: no verdict was changed, nothing was left behind"
