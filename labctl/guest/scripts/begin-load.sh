# Begins one command that runs beside the story, as a unit of its own: its end is no failed unit, and its status is kept.
# What still runs when the guest is shut down has 5 s to end.
# Values: unit, command.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

mkdir -p /run/labctl && rm -f "/run/labctl/$unit" || exit 1
# shellcheck disable=SC2016  # expanded by the shell that runs the command
exec systemd-run --quiet --unit="$unit" --property=TimeoutStopSec=5s --property=OOMPolicy=continue \
  /bin/sh -c '/bin/sh -c "$1"; echo $? >"/run/labctl/$2"' sh "$command" "$unit"
