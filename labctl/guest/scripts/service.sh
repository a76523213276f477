# Of a unit: whether it is active, how often it was restarted by itself, and which program its main process runs. Where
# that is an interpreter, the first absolute path among its arguments is its script. The programs are read through /proc:
# what is executed counts, not what stands at its path by now.
# Answers LoadState= ActiveState= SubState= NRestarts= InvocationID= MainPID= program= program_sha256= script= script_sha256=.
# Values: unit.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

facts=$(systemctl show -p LoadState -p ActiveState -p SubState -p NRestarts -p InvocationID -p MainPID "$unit") || exit 1
printf '%s\n' "$facts"
case $facts in
  *MainPID=[1-9]*) pid=${facts#*MainPID=} pid=${pid%%[!0-9]*} ;;
  *) exit 0 ;;
esac
printf 'program=%s\n' "$(readlink "/proc/$pid/exe" | tr '\n' '?')"
echo program_sha256="$(sha256sum 2>/dev/null <"/proc/$pid/exe" | cut -c1-64)"
script=$(tr '\n\0' '?\n' <"/proc/$pid/cmdline" | sed -n '2,$ { /^\//p; }' | head -n 1)
[ -f "$script" ] || exit 0
printf 'script=%s\n' "$script"
echo script_sha256="$(sha256sum 2>/dev/null <"$script" | cut -c1-64)"
