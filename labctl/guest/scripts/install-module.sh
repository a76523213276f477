# A bare module is loaded by its path, not through depmod: indexing the four thousand modules of a distribution
# takes an emulated guest a minute. At every boot it is loaded early, as the unit of its own package would do it.
# Values: file, folder, module, loader (the program that loads it, load-module.sh).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
mkdir -p "$folder" /etc/systemd/system/sysinit.target.wants
cp "$file" "$folder/$module.ko" || exit 126 # nobody's word about the module
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
