# Puts words on the kernel's command line: into what GRUB reads, and into what its menu is made of when a kernel is installed.
# Values: options (words with spaces between; none holds a '|', a '&' or a backslash).
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

found=
for menu in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/efi/EFI/*/grub.cfg; do
  grep -qs '^[[:space:]]*linux' "$menu" || continue
  sed -i "s|^\\([[:space:]]*linux[a-z0-9]*[[:space:]].*\\)\$|\\1 $options|" "$menu" || exit 1
  found=yes
done
for entry in /boot/loader/entries/*.conf; do
  [ -f "$entry" ] || continue
  sed -i "s|^\\(options[[:space:]].*\\)\$|\\1 $options|" "$entry" || exit 1
  found=yes
done
[ -z "$found" ] && { echo "no menu of GRUB and no boot loader entry was found"; exit 1; }
[ ! -f /etc/default/grub ] || echo "GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX $options\"" >>/etc/default/grub
sync
