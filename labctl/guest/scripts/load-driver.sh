# What unload-driver.sh took away comes back as at a boot.
# Values: loader (of bare modules; empty: modprobe finds them), modules, services (with spaces between, in their order).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

if [ -n "$loader" ]; then
  "$loader" || exit 1
else
  for module in $modules; do
    modprobe "$module" || exit 1
  done
fi
for unit in $services; do
  systemctl start "$unit" || exit 1
done
