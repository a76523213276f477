# What stands between libvirt and QEMU; behind it comes `exec QEMU "$@"`.
# shellcheck shell=sh

# Round-robin TCG: libvirt cannot ask for it.
for word; do
  shift
  case $word in tcg|tcg,*) word=$word,thread=single ;; esac
  set -- "$@" "$word"
done
