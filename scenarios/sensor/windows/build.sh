#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Needs: gcc-mingw-w64-x86-64 mingw-w64-x86-64-dev binutils-mingw-w64-x86-64 zip
set -euo pipefail

usage() {
    cat <<'EOT'
usage: build.sh [--out DIR]

Builds the sample sensor for Windows with mingw-w64, in both of its releases: DIR/sensor_7.15.sys, DIR/sensor_7.16.sys, and
DIR/sensor_7.15.zip, DIR/sensor_7.16.zip, each a package of driver and INF for `kind: inf`. DIR is build/sensor-windows
unless given. Nothing is signed, and a Windows loads nothing that is not: sign it with a test certificate, for guests with test
signing and without Secure Boot (osslsigncode, signtool). The same sources and compiler give the same bytes.
EOT
}

out=build/sensor-windows
while [ $# -gt 0 ]; do
    case $1 in
        --out) [ $# -ge 2 ] || { usage >&2; exit 2; }; out=$2; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done
target=x86_64-w64-mingw32
command -v $target-gcc >/dev/null && command -v zip >/dev/null ||
    { echo "sensor: this host lacks what is needed; run: apt-get install gcc-mingw-w64-x86-64 zip" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C TZ=UTC
umask 022

for minor in 15 16; do
    package=$work/$minor
    mkdir "$package"
    $target-windres -DSENSOR_MINOR=$minor -DSENSOR_VERSION="\\\"7.$minor.0.0\\\"" "$here/sensor.rc" "$work/sensor.o"
    # A driver has no C runtime, imports from the kernel alone, and may be put anywhere.
    $target-gcc -std=gnu11 -Wall -Wextra -Werror -Wno-pointer-sign -Wno-sign-compare -O2 -g0 -DSENSOR_MINOR=$minor \
        -I"/usr/share/mingw-w64/include/ddk" -ffile-prefix-map="$here"=. -ffreestanding -fno-builtin \
        -fno-asynchronous-unwind-tables -mno-stack-arg-probe -nostdlib -shared \
        -Wl,--subsystem,native:10.0 -Wl,--entry,DriverEntry -Wl,--image-base,0x140000000 -Wl,--dynamicbase -Wl,--nxcompat \
        -Wl,--no-insert-timestamp -Wl,--exclude-all-symbols -s \
        -o "$package/sensor.sys" "$here/sensor.c" "$work/sensor.o" -lntoskrnl
    sed -e "s/@VERSION@/7.$minor.0.0/" -e 's|@DATE@|07/01/2026|' -e 's/$/\r/' "$here/sensor.inf" >"$package/sensor.inf"
    install -m 644 "$package/sensor.sys" "$out/sensor_7.$minor.sys"
    touch -d 2026-07-01T00:00:00Z "$package"/*
    rm -f "$out/sensor_7.$minor.zip"
    # Stored and not compressed: the stand-in guest of the tests unpacks nothing else.
    (cd "$package" && zip -q -0 -X -D "$out/sensor_7.$minor.zip" sensor.inf sensor.sys)
done
printf '%s\n' "sensor: done: $out"
