# Values: modules (with spaces between, the one that was loaded last first).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

rm -f /etc/modules-load.d/labctl-candidate.conf
for module in $modules; do
  [ ! -d "/sys/module/$module" ] || rmmod "$module" || exit 1
done
