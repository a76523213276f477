# Whether the kernel is well, in which boot, and which services have failed in it.
# Answers taint= boot_id= kernel= failed= (units with a space behind each; nothing where there is no systemd).
# shellcheck shell=sh

echo taint="$(cat /proc/sys/kernel/tainted)"
echo boot_id="$(cat /proc/sys/kernel/random/boot_id)"
echo kernel="$(uname -r)"
echo failed="$(systemctl list-units --failed --plain --no-legend --no-pager 2>/dev/null | cut -d' ' -f1 | tr '\n' ' ')"
