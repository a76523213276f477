#!/usr/bin/env bash
# A guest that gets a hundredth of a CPU for more than a minute while it settles, because its cgroup has no more. Its kernel may call
# that a lockup; labctl blames nobody for it. By hand, as root, with the cgroup v1 controller "cpu": a run's time.
#
#   starved.sh LABCTL SCENARIO     SCENARIO passes; short: one image, one reboot
set -euo pipefail
labctl=$1 scenario=$2
out=$(mktemp -d)
group=/sys/fs/cgroup/cpu/labctl-starved-$$ run=
trap 'kill $run 2>/dev/null || true; wait; rmdir "$group" 2>/dev/null || true; rm -rf "$out"' EXIT

fail() { echo "FAILED: $*"; tail -5 "$out/stderr"; exit 1; }

"$labctl" run "$scenario" --out "$out/bundles" >"$out/stdout" 2>"$out/stderr" &
run=$!
until grep -qs 'driver-candidate.*boot 1/1: settle' "$out/stderr"; do
  kill -0 "$run" 2>/dev/null || fail "the run ended before its guest settled"
  sleep 0.2
done
qemu=$(pgrep -f -- 'qemu-system.*guest=labctl-[^,]*driver-candidate' | head -1)
before=$(awk '{print $14 + $15}' "/proc/$qemu/stat")
home=/sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:\([a-z_]*,\)*cpu\(,[a-z_]*\)*:\(.*\)/\3/p' "/proc/$qemu/cgroup")
mkdir "$group"
echo 100000 >"$group/cpu.cfs_period_us"
echo 1000 >"$group/cpu.cfs_quota_us"
echo "$qemu" >"$group/cgroup.procs"
sleep 75
echo "in 75 s it got $((($(awk '{print $14 + $15}' "/proc/$qemu/stat") - before) * 10)) ms of CPU"
echo "$qemu" >"$home/cgroup.procs" || echo "it had ended already"
code=0
wait "$run" || code=$?
run=
cat "$out/stdout"
grep -h 'BUG: soft lockup\|rcu: INFO\|blocked for more than' "$out"/bundles/*/cells/*candidate*/console.log | head -3 || echo "its kernel said nothing"
! grep -q 'trying again' "$out/stderr" || fail "what may have been a crash was tried again"
[[ $code == 0 || $code == 3 ]] || fail "exit code $code: somebody was blamed"
