# Writes a text to the kernel's log, which must bring it to the console. Meanwhile each CPU's work queue runs something
# and RCU lets a grace period end; where that is stuck, whoever waits for it is found among the sleepers.
# Answers console_level= severity= devkmsg= logged=.
# Values: text, severity (empty: the least severe that the console shows now).
# One program reads all files: each start costs an emulated guest tens of milliseconds, and the shell's own `read` asks
# for one byte after the other, of which some files in /proc/sys give only the first.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

newline='
'
facts=$(grep -s '' /proc/sys/kernel/printk /proc/sys/kernel/printk_devkmsg /proc/self/cgroup)
fact() { # of the file that ends so, the first line; nothing when there is none
  case $facts in
    *"$1:"*) value=${facts#*"$1:"} value=${value%%"$newline"*} ;;
    *) value= ;;
  esac
}
fact /self/cgroup:0:
group=$value
{
  # Reading it has the work done, and gives nothing.
  read -r _ </proc/sys/vm/stat_refresh
  # To move into the group where it is already changes nothing; the kernel waits for a grace period first.
  echo $$ >"/sys/fs/cgroup$group/cgroup.procs"
} >/dev/null 2>&1 &
fact /kernel/printk
console_level=${value%%[!0-9]*}
[ -n "$severity" ] || severity=$((console_level > 8 ? 7 : console_level > 0 ? console_level - 1 : 0))
echo "<$severity>labctl: $text" >/dev/kmsg
fact /kernel/printk_devkmsg
echo console_level="$console_level"
echo severity="$severity"
echo devkmsg="$value"
# At once where it can (-S), and not a line after the other.
if { dmesg -S 2>/dev/null || dmesg; } | grep -qF "$text"; then echo logged=yes; else echo logged=no; fi
