# `fresh` compares the build id of the module in memory with the file that it should have come from: a package may
# have replaced the file while the old code goes on running. A compressed module cannot be compared and is "unknown".
# The digests are of standard input, because sha256sum puts a backslash before that of a file with a strange name;
# and what the module says of itself goes through printf, because echo would let it write lines of its own.
# Answers state= version= srcversion= build_id= file= file_sha256= fresh=, or state=absent and, where the kernel refused
# a module in this boot, why=.
# Values: module, file (empty: where modinfo finds it).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

cd "/sys/module/$module" 2>/dev/null || {
  echo state=absent
  refused=$(dmesg 2>/dev/null | grep -E 'module loading is restricted|Loading of .*module.* is rejected' | tail -n 1)
  [ -z "$refused" ] || printf 'why=kernel %s\n' "$(printf %s "$refused" | sed -E 's/^\[[^]]*\] *//; s/;.*//')"
  exit 0
}
printf 'version=%s\n' "$(head -n 1 version 2>/dev/null)"
printf 'srcversion=%s\n' "$(head -n 1 srcversion 2>/dev/null)"
# The build id stands behind the 16 bytes of its note's head and of the name GNU.
id=$(od -An -v -tx1 "/sys/module/$module/notes/.note.gnu.build-id" 2>/dev/null | tr -d ' \n' | cut -c 33-160)
echo build_id="$id"
# After what the kernel says of it: a module that went away meanwhile has said only half of it, and is absent.
state=$(cat initstate 2>/dev/null || echo builtin)
[ -d "/sys/module/$module" ] || state=absent
echo state="$state"
[ -n "$file" ] || file=$(modinfo -n "$module" 2>/dev/null)
printf 'file=%s\n' "$file"
echo file_sha256="$(sha256sum 2>/dev/null <"$file" | cut -c1-64)"
# grep reads a module at once where od needs seconds, but cannot see a newline.
has_build_id() {
  case $id in
    *0a*) od -An -v -tx1 "$file" | tr -d ' \n' | grep -q "$id" ;;
    *) LC_ALL=C grep -qaP "$(printf %s "$id" | sed 's/../\\x&/g')" "$file" ;;
  esac
}
case "$id,$file" in
  ,* | *, | *.xz | *.gz | *.zst) echo fresh=unknown ;;
  *) if has_build_id; then echo fresh=yes; else echo fresh=no; fi ;;
esac
