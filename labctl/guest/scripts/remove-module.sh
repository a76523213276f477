# Values: folder. Arguments: the modules, the one that was loaded last first.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
rmmod "$@"
rm -rf "$folder" /etc/systemd/system/labctl-candidate.service /etc/systemd/system/sysinit.target.wants/labctl-candidate.service
