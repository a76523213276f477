# Values: module, folder.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
rmmod "$module"
rm -rf "$folder" /etc/systemd/system/labctl-candidate.service /etc/systemd/system/sysinit.target.wants/labctl-candidate.service
