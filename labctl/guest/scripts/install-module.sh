# Bare modules are loaded by their paths, not through depmod: indexing the four thousand modules of a distribution
# takes an emulated guest a minute. At every boot they are loaded early, as the unit of their own package would do it.
# Values: folder, loader (the program that loads them, load-module.sh). Arguments: each module and its file.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
mkdir -p "$folder" /etc/systemd/system/sysinit.target.wants
while [ $# -gt 1 ]; do
  cp "$2" "$folder/$1.ko" || exit 126 # nobody's word about the module
  shift 2
done
printf %s "$loader" >"$folder/load"
chmod 755 "$folder/load"
cat >/etc/systemd/system/labctl-candidate.service <<UNIT
[Unit]
Description=the candidate driver
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=$folder/load
UNIT
ln -sf /etc/systemd/system/labctl-candidate.service /etc/systemd/system/sysinit.target.wants/labctl-candidate.service
sync
"$folder/load"
