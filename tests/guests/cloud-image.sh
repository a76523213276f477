#!/usr/bin/env bash
# cloud-image.sh DIR: makes in DIR what vendors publish, small: DIR/images/vendor-debian-12/ with a Debian that has
# cloud-init and knows nothing of labctl (no agent, quiet, nothing on the serial console), the packages of the agent, and
# a recipe that imports them. Then: LABCTL_IMAGES=DIR/images labctl image build vendor-debian-12
#
# Needs root, and: mmdebstrap e2fsprogs grub-common grub-pc-bin qemu-utils
set -euo pipefail
out=$(mkdir -p "${1:?usage: cloud-image.sh DIR}/images/vendor-debian-12" && cd "$1" && pwd)
images=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../images" && pwd)
recipe=$out/images/vendor-debian-12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mmdebstrap --variant=essential --aptopt='Apt::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
  --include=systemd,systemd-sysv,udev,kmod,dbus,cloud-init,initramfs-tools,linux-image-cloud-amd64,grub2-common,grub-pc-bin \
  --customize-hook='cp -r "$1/usr/lib/grub/i386-pc" "$1/tmp/" && mkdir -p "$1/boot/grub" && mv "$1/tmp/i386-pc" "$1/boot/grub/"' \
  --customize-hook='echo "LABEL=vendor-root / ext4 defaults 0 1" >"$1/etc/fstab"' \
  --customize-hook='echo vendor >"$1/etc/hostname"; : >"$1/etc/machine-id"' \
  --customize-hook='cd "$1/boot" && printf "linux /boot/%s root=LABEL=vendor-root ro quiet\ninitrd /boot/%s\nboot\n" vmlinuz-* initrd.img-* >grub/grub.cfg' \
  bookworm root.tar /etc/apt/sources.list.d/debian.sources
mkdir tree
tar -C tree --numeric-owner --exclude='./dev/*' -xf root.tar
truncate -s 2G disk.raw
mke2fs -q -F -t ext4 -L vendor-root -E offset=1048576 -d tree disk.raw 2047M
echo 'search.fs_label vendor-root root
set prefix=($root)/boot/grub
configfile ($root)/boot/grub/grub.cfg' >early.cfg
grub-mkimage -O i386-pc -o core.img -c early.cfg -p /boot/grub biosdisk part_msdos ext2 search search_label configfile \
  normal linux echo test minicmd
put() { dd of=disk.raw bs="$1" seek="$2" conv=notrunc status=none; }
head -c 440 /usr/lib/grub/i386-pc/boot.img | put 1 0
# One active Linux partition from 1 MiB to the end of the 2 GiB.
printf '\x80\xfe\xff\xff\x83\xfe\xff\xff\x00\x08\x00\x00\x00\xf8\x3f\x00' | put 1 446
printf '\x55\xaa' | put 1 510
put 512 1 <core.img
qemu-img convert -f raw -O qcow2 disk.raw "$recipe/disk.qcow2"

rm -f "$recipe"/*.deb
(cd "$recipe" && apt-get -q download qemu-guest-agent libglib2.0-0 libnuma1 liburing2)
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
{
  echo "extends: cloud-image"
  echo "summary: a cloud image as vendors publish them, imported"
  echo "import: {source: disk.qcow2, sha256: $(digest "$recipe/disk.qcow2")}"
  echo "install:"
  for package in "$recipe"/*.deb; do echo "  - {source: $(basename "$package"), sha256: $(digest "$package")}"; done
} >"$recipe/image.yaml"
# A recipe extends folders beside it.
ln -sfn "$images/cloud-image" "$images/debian-12" "$out/images/"
echo "$recipe"
