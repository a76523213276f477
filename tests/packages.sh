#!/usr/bin/env bash
# Installs what labctl needs on Debian 12, in one go: `run` to build it and to run guests, `test` for all that CI uses
# on top. Does nothing when everything is there. Uses sudo when the user is not root.
set -euo pipefail

build=(ca-certificates g++ gcc-12 cmake ninja-build pkg-config make binutils
  libvirt-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev libre2-dev libpugixml-dev libssl-dev
  libexpected-dev libboost1.81-dev libkainjow-mustache-dev libarchive-dev libelf-dev libpng-dev libfmt-dev libspdlog-dev libsqlite3-dev)
guests=(qemu-system-x86 qemu-utils libvirt-daemon-driver-qemu libvirt-daemon seabios xorriso mmdebstrap fakeroot e2fsprogs fdisk
  grub-common grub-pc-bin mtools ovmf uidmap libelf1 cpio tesseract-ocr xz-utils zstd python3)
checks=(catch2 clang-format clang-tidy ccache python3-jsonschema python3-yaml openssl jq
  python3-securesystemslib shellcheck libxml2-utils python3-junitparser
  chromium-headless-shell fonts-dejavu-core
  ansible-core groff-base fish zsh gpg gpg-agent gcc-mingw-w64-x86-64 mingw-w64-x86-64-dev
  wine64 osslsigncode llvm lld zip ntfs-3g libevtx-utils slurm-wlm munge
  skopeo umoci docker-registry)

command -v npm >/dev/null || checks+=(npm) # another than Debian's will do

case ${1:-} in
  run) wanted=("${build[@]}" "${guests[@]}") ;;
  test) wanted=("${build[@]}" "${guests[@]}" "${checks[@]}") ;;
  *) echo "usage: packages.sh run|test" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
# libvirt's QEMU driver looks this user up when it runs as root, but its package does not make it.
user_missing=0
getent passwd libvirt-qemu >/dev/null || user_missing=1
((${#missing[@]} + user_missing)) || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || { echo "packages: as root, run: apt-get install ${missing[*]}; useradd --system libvirt-qemu" >&2; exit 3; }
  as_root=(sudo)
fi
if ((user_missing)); then
  echo "packages: adding the system user libvirt-qemu"
  "${as_root[@]}" useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin libvirt-qemu
fi
((${#missing[@]})) || exit 0
echo "packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get -q update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -30 "$log" >&2
  echo "packages: apt-get failed, its last lines are above" >&2
  exit 3
fi
