#!/bin/sh
# One line of reports.jsonl about this machine, on standard output: run it every hour and after each start, as root.
#   linux.sh RING DRIVER CONTENT        e.g. linux.sh early /lib/modules/$(uname -r)/updates/sensor.ko /var/lib/sensor/content.bin
# DRIVER and CONTENT are the files that the gate tested, where they are kept on this machine; - for none. Wants jq and
# labctl-judge. The id is a digest with a salt of this machine's own: the file names nobody. ROOT is for tests.
set -eu
ring=$1 driver=$2 content=$3 root=${ROOT:-} now=$(date -u +%FT%TZ)
state=$root/var/lib/labctl-report
logs=$(mktemp -d) && trap 'rm -rf "$logs"' EXIT
mkdir -p "$state" && cd "$state"
[ -f salt ] || (umask 077 && head -c 32 /dev/urandom >salt)
[ -f last ] || { echo "$now" >last && cat "$root/proc/sys/kernel/random/boot_id" >boot; } # what is old is not the release's
digest() { [ "$1" = - ] || sha256sum "$1" | cut -d' ' -f1; }
changed() { [ "$1" = - ] || date -u -d "@$(stat -c %Z "$1")" +%FT%TZ; }
from=$({ cat last && changed "$driver" && changed "$content"; } | sort | tail -n 1)
boots=0
echo "$now" >next && cp "$root/proc/sys/kernel/random/boot_id" next-boot # what happens from here on is the next run's
cmp -s boot next-boot || boots=1
journalctl ${ROOT:+-D "$root/var/log/journal"} -q _TRANSPORT=kernel --since "@$(stat -c %.6Y last)" -o short-monotonic >"$logs/journal" 2>/dev/null || true
for folder in sys/fs/pstore var/lib/systemd/pstore var/crash; do
  [ ! -d "$root/$folder" ] || find "$root/$folder" -type f -newer last -exec cp --backup=numbered {} "$logs" \;
done
found='{"findings":[]}'
[ -z "$(find "$logs" -type f -size +0)" ] || found=$(labctl-judge scan --json "$logs") || [ $? -eq 1 ]
jq -cn --argjson found "$found" --arg ring "$ring" --arg machine "$(cat salt "$root/etc/machine-id" | sha256sum | cut -c1-32)" \
  --arg driver "$(digest "$driver")" --arg content "$(digest "$content")" --arg kernel "$(uname -r)" --arg from "$from" --arg to "$now" --argjson boots "$boots" \
  '{labctl: 1, $ring, $machine, $driver, $content, $kernel, $from, $to, $boots, crashes: [$found.findings | unique_by(.title)[] | select(.severity == "fatal") | {title, "module": .module}]}'
mv next-boot boot && mv next last
