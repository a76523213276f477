# Lets the root file system grow to the end of its disk. Behind it only the partition that UEFI starts from may lie, which
# moves to the end.
# shellcheck shell=sh

set -e
device=$(readlink -f "$(findmnt -n -o SOURCE /)")
name=${device##*/}
part=$(cat "/sys/class/block/$name/partition")
disk=/dev/$(basename "$(readlink -f "/sys/class/block/$name/..")")
start=$(cat "/sys/class/block/$name/start")
end=$(($(cat "/sys/class/block/${disk##*/}/size") - 2048)) # in sectors; a GPT keeps a copy of itself behind
behind=
for other in "/sys/class/block/${disk##*/}"/*/partition; do
  other=${other%/partition}
  [ "$(cat "$other/start")" -gt "$start" ] || continue
  [ -z "$behind" ] || { echo "several partitions lie behind the root's"; exit 1; }
  behind=$(cat "$other/partition")
  size=$(cat "$other/size")
  dd if="/dev/${other##*/}" of=/var/tmp/labctl-esp bs=1M status=none
done
if [ -n "$behind" ]; then
  case $(sfdisk --part-type "$disk" "$behind") in
    ef | EF | c12a7328* | C12A7328*) ;;
    *) echo "partition $behind, behind the root's, is not the one that UEFI starts from"; exit 1 ;;
  esac
  kind=$(sfdisk --part-type "$disk" "$behind")
  end=$(((end - size) / 2048 * 2048))
  sfdisk -q --no-reread --force --delete "$disk" "$behind"
fi
echo ", $((end - start))" | sfdisk -q --no-reread --force -N "$part" "$disk"
if [ -n "$behind" ]; then
  echo "$end, $size, $kind" | sfdisk -q --no-reread --force --append "$disk"
fi
partx -u "$disk"
if [ -n "$behind" ]; then
  udevadm settle
  dd if=/var/tmp/labctl-esp of="$(echo "$disk"*"$behind")" bs=1M status=none
  rm /var/tmp/labctl-esp
fi
case $(findmnt -n -o FSTYPE /) in
  ext4) resize2fs "$device" ;;
  xfs) xfs_growfs / ;;
  btrfs) btrfs filesystem resize max / ;;
  *) echo "cannot let a file system of this type grow"; exit 1 ;;
esac
