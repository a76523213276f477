#!/usr/bin/env bash
# Guests that the host forgets while they settle: one gets a hundredth of a CPU for more than a minute, because its cgroup has no
# more; then a whole run is frozen for as long, labctl and guest, as by `docker pause`. Their kernels may call that a lockup;
# labctl blames nobody for it. By hand, as root, with the controllers "cpu" and "freezer" of cgroup v1: a run's time for each.
#
#   starved.sh LABCTL SCENARIO [starve|freeze]     SCENARIO passes; short: one image, one reboot
set -euo pipefail
labctl=$1 scenario=$2
out=$(mktemp -d)
export LABCTL_RUNTIME=$out/r # so that nobody else's guest is taken for ours
cpu=/sys/fs/cgroup/cpu/labctl-starved-$$ freezer=/sys/fs/cgroup/freezer/labctl-starved-$$ run=
trap 'thaw 2>/dev/null || true; kill $run 2>/dev/null || true; wait; rmdir "$cpu" "$freezer" 2>/dev/null || true; rm -rf "$out"' EXIT

fail() { echo "FAILED: $*"; tail -5 "$out/stderr"; exit 1; }
thaw() { [[ ! -d $freezer ]] || echo THAWED >"$freezer/freezer.state"; }
home_of() { sed -n "s/^[0-9]*:\([a-z_]*,\)*$2\(,[a-z_]*\)*:\(.*\)/\3/p" "/proc/$1/cgroup"; }

starve() {
  local before home
  before=$(awk '{print $14 + $15}' "/proc/$qemu/stat")
  home=/sys/fs/cgroup/cpu$(home_of "$qemu" cpu)
  mkdir "$cpu"
  echo 100000 >"$cpu/cpu.cfs_period_us"
  echo 1000 >"$cpu/cpu.cfs_quota_us"
  echo "$qemu" >"$cpu/cgroup.procs"
  sleep 75
  echo "in 75 s it got $((($(awk '{print $14 + $15}' "/proc/$qemu/stat") - before) * 10)) ms of CPU"
  echo "$qemu" >"$home/cgroup.procs" || echo "it had ended already"
}

freeze() {
  mkdir "$freezer"
  for process in "$run" "$qemu"; do echo "$process" >"$freezer/cgroup.procs"; done
  echo FROZEN >"$freezer/freezer.state"
  sleep 75
  thaw
  echo "labctl and its guest were frozen for 75 s"
  for process in "$run" "$qemu"; do
    echo "$process" >/sys/fs/cgroup/freezer/cgroup.procs || true
  done
}

for how in ${3:-starve freeze}; do
  echo "== $how"
  "$labctl" run "$scenario" --out "$out/$how" --jobs 1 >"$out/stdout" 2>"$out/stderr" &
  run=$!
  until grep -qs 'driver-candidate.*boot 1/1: settle' "$out/stderr"; do
    kill -0 "$run" 2>/dev/null || fail "the run ended before its guest settled"
    sleep 0.2
  done
  qemu=$(pgrep -f -- "qemu-system.*$LABCTL_RUNTIME/.*driver-candidate" | head -1)
  "$how"
  code=0
  wait "$run" || code=$?
  run=
  cat "$out/stdout"
  grep -h 'BUG: soft lockup\|rcu: INFO\|blocked for more than' "$out/$how"/*/cells/*candidate*/console.log | tail -5 || echo "its kernel said nothing"
  ! grep -q 'trying again' "$out/stderr" || fail "what may have been a crash was tried again"
  [[ $code == 0 || $code == 3 ]] || fail "exit code $code: somebody was blamed"
done
