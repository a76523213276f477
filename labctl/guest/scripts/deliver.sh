# Copies from the CD; the drive needs a moment to notice its medium, more of it when the host is busy.
# Answers <file>=<sha256>.
# Values: folder. Arguments: the files.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
mkdir -p /run/labctl-cd "$folder"
n=0
until mount -o ro -t iso9660 /dev/sr0 /run/labctl-cd 2>/run/labctl-cd.error; do
  n=$((n + 1))
  [ $n -lt 100 ] || { cat /run/labctl-cd.error; exit 1; }
  sleep 0.2
done
# The files of a folder's content stay on the CD until they are put in their place.
for file in /run/labctl-cd/*; do
  case $file in
    *.manifest.tar) ;;
    *) cp "$file" "$folder/" ;;
  esac
done
for name in "$@"; do
  file=$folder/$name
  [ -f "$file" ] || file=/run/labctl-cd/$name
  printf '%s=%s\n' "$name" "$(sha256sum <"$file" | cut -c1-64)"
done
umount /run/labctl-cd
sync
