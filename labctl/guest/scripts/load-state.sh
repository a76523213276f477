# Whether a command that was begun by begin-load.sh still runs: running=, and of one that has ended status=.
# Values: unit.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

case $(systemctl is-active "$unit.service" 2>/dev/null) in
  active) echo running=yes ;;
  *) echo running=no; echo status="$(cat "/run/labctl/$unit" 2>/dev/null)" ;;
esac
