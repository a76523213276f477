# The driver's services are stopped and its modules unloaded, as its removal would do it; nothing is removed. A module that
# is still in use is not forced out: rmmod says by whom.
# Values: services, modules (with spaces between, the one that was started or loaded last first).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

for unit in $services; do
  systemctl stop "$unit" || exit 1
done
for module in $modules; do
  [ ! -d "/sys/module/$module" ] || rmmod "$module" || exit 1
done
