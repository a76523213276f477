# Installs a package of the operating system's beside what is there, without a network. What the package manager said comes
# last; where it failed, its reasons behind it.
# Answers kernels=, the releases whose kernels the package holds, with a space behind each.
# An image that labctl made has no update-grub, and its GRUB runs three lines: a package of a kernel puts the newest into them, as
# update-grub would. The lines that update-grub writes are indented.
# Values: package; boot, where kernels and the menu are.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

log=$(mktemp)
DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold "$package" </dev/null >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
  tail -c 16000 "$log"
  grep -m 3 -E ' depends on | conflicts with |No space left|subprocess returned error|cannot access archive|does not match' "$log"
  exit $status
fi
kernels=$(dpkg -L "$(dpkg-deb -f "$package" Package)" |
  sed -n -E -e 's,^/boot/vmlinuz-([^/]+)$,\1,p' -e 's,^(/usr)?/lib/modules/([^/]+)/vmlinuz$,\2,p' | sort -u | tr '\n' ' ')
newest=$(find "$boot" -maxdepth 1 -name 'vmlinuz-*' | sed 's,.*/vmlinuz-,,' | sort -V | tail -n 1)
if [ -n "$kernels" ] && [ -e "$boot/initrd.img-$newest" ]; then
  sed -i -E "s,^((linux|initrd) /boot/(vmlinuz|initrd.img)-)[^ ]+,\\1$newest," "$boot/grub/grub.cfg"
fi
sync
printf 'kernels=%s\n' "$kernels"
tail -c 16000 "$log" | sed 's/^/| /'
