# Lists the dumps of crashes that there are, also those that were begun and not finished: by Debian's kdump-tools, else where
# kdump.conf(5) says.
# shellcheck shell=sh

dumps() {
  folder=$(sed -n 's/^ *KDUMP_COREDIR=//p' /etc/default/kdump-tools 2>/dev/null | tail -n 1 | tr -d "\"'")
  [ -n "$folder" ] || folder=$(sed -n 's/^path  *//p' /etc/kdump.conf 2>/dev/null | tail -n 1)
  folder=${folder:-/var/crash}
  find "$folder" -xdev -type f '(' -name 'dump.*' -o -name 'dump-*' -o -name 'vmcore*' ')' ! -name '*dmesg*' 2>/dev/null | sort
}
