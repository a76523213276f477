# What unload-driver.sh took away comes back as at a boot. A module that is in no index of modprobe's is loaded by a service
# of the driver's; whether it came is asked afterwards.
# Values: loader (of bare modules; empty: modprobe finds them), modules, services (with spaces between, in their order).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

if [ -n "$loader" ]; then
  "$loader" || exit 1
else
  for module in $modules; do
    if modinfo "$module" >/dev/null 2>&1; then
      modprobe "$module" || exit 1
    elif [ -z "$services" ]; then
      echo "modprobe does not know $module; write the service that loads it into driver.services"
      exit 1
    fi
  done
fi
for unit in $services; do
  systemctl start "$unit" || exit 1
done
