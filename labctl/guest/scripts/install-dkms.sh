# Packages of sources: their installation builds the modules for this kernel, and nobody loads them. The build's logs are
# printed; where it failed or was skipped, its first errors come last. At every boot the modules are loaded early.
# Values: modules (with spaces between, in the order in which they are loaded). Arguments: the packages, installed together.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

kernel=$(uname -r)
[ -d "/lib/modules/$kernel/build" ] || { echo "this image has no headers of its kernel, $kernel"; exit 1; }
command -v dkms >/dev/null || { echo "this image has no dkms"; exit 1; }
DEBIAN_FRONTEND=noninteractive dpkg -i --force-confnew "$@" </dev/null
status=$?
for log in /var/lib/dkms/*/*/build/make.log /var/lib/dkms/*/*/"$kernel"/*/log/make.log; do
  [ -f "$log" ] || continue
  echo "== $log"
  tail -c 16000 "$log"
done
dkms status
skipped=$(dkms status | grep -v "$kernel.*: installed")
if [ $status -ne 0 ] || [ -n "$skipped" ] || ! dkms status | grep -q "$kernel.*: installed"; then
  echo "not built for $kernel: ${skipped:-no module}"
  cat /var/lib/dkms/*/*/build/make.log 2>/dev/null | grep -m 3 -E '(error|Error [0-9]+|\*\*\*)'
  exit 1
fi
# shellcheck disable=SC2086  # words
printf '%s\n' $modules >/etc/modules-load.d/labctl-candidate.conf
sync
for module in $modules; do
  modprobe "$module" || exit 1
done
