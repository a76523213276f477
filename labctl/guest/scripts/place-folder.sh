# Puts the files of a folder's content in their place, and takes away those that an earlier one had and this one has not. They
# come straight from the CD: a second copy might not have room.
# Values: manifest (its path), tar (its name on the CD), path.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

set -e
mkdir -p /run/labctl-cd "$path"
placed=/var/lib/labctl/placed
cut -c 67- "$manifest" >/var/lib/labctl/placed.new
if [ -f "$placed" ]; then
  grep -vxFf /var/lib/labctl/placed.new "$placed" | while IFS= read -r name; do
    rm -f "$path/$name"
  done
fi
mv /var/lib/labctl/placed.new "$placed"
rm -f /run/labctl-content
mount -o ro -t iso9660 /dev/sr0 /run/labctl-cd
tar -xf "/run/labctl-cd/$tar" -C "$path" --no-same-owner || { umount /run/labctl-cd; exit 1; }
umount /run/labctl-cd
sync -f "$path"
