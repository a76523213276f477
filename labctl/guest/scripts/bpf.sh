# The BPF programs that the kernel has loaded, by name: it lists each with its tag, the digest of its instructions, among its
# symbols, and needs no tool for that. A program is there for as long as somebody holds it: a process, a link, an attachment.
# A kernel that interprets programs lists none: jit= tells. One without BTF cuts names at 15 characters.
# Answers jit=, and for each program tags.NAME= (its tags, in order, with a space behind each).
# Arguments: the programs' names.
# shellcheck shell=sh

echo jit="$(cat /proc/sys/net/core/bpf_jit_enable 2>/dev/null)"
listed=$(sed -n 's/^[0-9a-f]* [a-zA-Z] bpf_prog_\([0-9a-f]\{16\}\)_\([A-Za-z0-9_.]*\)[[:space:]]\[bpf\]$/\2 \1/p' /proc/kallsyms | LC_ALL=C sort -u)
for name in "$@"; do
  tags=
  short=$(printf %.15s "$name")
  while read -r symbol tag; do
    if [ "$symbol" = "$name" ] || [ "$symbol" = "$short" ]; then tags="$tags$tag "; fi
  done <<end
$listed
end
  printf 'tags.%s=%s\n' "$name" "$tags"
done
