# Only root may see addresses, and the agent is root. Answers release= text=, and of every module from outside the
# kernel's tree a line module= file= and its sections.
# shellcheck shell=sh

echo release="$(uname -r)"
echo text="$(sed -n 's/ T _text$//p' /proc/kallsyms)"
cd /sys/module && for m in *; do
  [ -e "$m/sections/.text" ] && grep -qs O "$m/taint" || continue
  printf 'module=%s file=%s' "$m" "$(modinfo -n "$m" 2>/dev/null)"
  for s in .text .init.text .exit.text .rodata .data .bss; do
    [ -e "$m/sections/$s" ] && printf ' %s=%s' "$s" "$(cat "$m/sections/$s")"
  done
  echo
done
true
