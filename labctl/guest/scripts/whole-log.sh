# The kernel's log of this boot, raw, and whether it is whole: its buffer drops the oldest lines, and what is not in
# a log that begins later may have been in it. Answers, behind the log, boot_id= and log= (whole or cut).
# shellcheck shell=sh

log=$(dmesg -r 2>/dev/null || dmesg) || exit 1
printf '%s\n' "$log"
echo boot_id="$(cat /proc/sys/kernel/random/boot_id)"
case "$(printf '%s\n' "$log" | head -n 5)" in
  *'] Linux version '*) echo log=whole ;;
  *) echo log=cut ;;
esac
