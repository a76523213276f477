# Crashes the kernel on purpose, once for each mark, which is on the disk: whoever asks again, in the crash kernel or in the
# boot behind it, does nothing. Which dumps there were before is kept in it. The text goes to the kernel's log, so that it is
# on the console, and in the dump of this crash and in no other.
# Values: mark, text, severity. Needs dumps.sh before it.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

mkdir -p "${mark%/*}"
mkdir "$mark" 2>/dev/null || exit 0
dumps >"$mark/before"
sync
echo "<$severity>labctl: $text" >/dev/kmsg
echo c >/proc/sysrq-trigger
sleep 5
echo "its kernel goes on after a 'c' in /proc/sysrq-trigger"
exit 1
