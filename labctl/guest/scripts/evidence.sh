# Whether the kernel is well, in which boot, and which services have failed in it. It is asked in every boot, so it
# starts few programs. A file that cannot be read leaves its answer out.
# Answers taint= boot_id= kernel= cmdline= failed= (units with a space behind each; nothing where there is no systemd).
# shellcheck shell=sh

# shellcheck disable=SC2013  # words
for each in $(grep -s '' /proc/sys/kernel/tainted /proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease); do
  case $each in
    */tainted:*) echo taint="${each#*:}" ;;
    */boot_id:*) echo boot_id="${each#*:}" ;;
    */osrelease:*) echo kernel="${each#*:}" ;;
  esac
done
if read -r cmdline </proc/cmdline; then printf 'cmdline=%s\n' "$cmdline"; fi
printf failed=
systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | while read -r unit _; do
  printf '%s ' "$unit"
done
echo
