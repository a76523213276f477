# Writes a text to the kernel's log, which must bring it to the console. Meanwhile each CPU's work queue runs something
# and RCU lets a grace period end; where that is stuck, whoever waits for it is found among the sleepers.
# Answers console_level= severity= devkmsg= logged=.
# Values: text, severity (empty: the least severe that the console shows now).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

cat /proc/sys/vm/stat_refresh >/dev/null 2>&1 &
# To move into the group where it is already changes nothing; the kernel waits for a grace period first.
(exec >/dev/null 2>&1; echo $$ >"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs") &
read -r console_level _ <<LEVELS
$(cat /proc/sys/kernel/printk)
LEVELS
[ -n "$severity" ] || severity=$((console_level > 8 ? 7 : console_level > 0 ? console_level - 1 : 0))
echo "<$severity>labctl: $text" >/dev/kmsg
echo console_level="$console_level"
echo severity="$severity"
echo devkmsg="$(cat /proc/sys/kernel/printk_devkmsg 2>/dev/null)"
if dmesg | grep -qF "$text"; then echo logged=yes; else echo logged=no; fi
