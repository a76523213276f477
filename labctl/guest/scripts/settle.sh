# A snapshot of a guest whose services are still starting would repeat that in each cell; what it wrote has to be on its
# disk, where a power cut finds it. Answers system=, and failed=: the units that did not start.
# shellcheck shell=sh

state=$(systemctl is-system-running --wait)
sync
echo system="$state"
[ "$state" = running ] || echo failed="$(systemctl --failed --no-legend --plain | tr '\n' ';')"
