#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Needs: gcc-12 make libc6-dev libelf1 libssl3 binutils dpkg apt util-linux
set -euo pipefail

usage() {
    cat <<'EOF'
usage: build.sh [--out DIR] [--sign KEY CERT] KERNEL_RELEASE...

Builds the sample candidate for every given kernel release (6.1.0-56-amd64 6.12.117+deb12-amd64):

  DIR/sensor_7.15.deb  DIR/sensor_7.16.deb    the driver packages; each holds a module per release
  DIR/content-289.bin  DIR/content-290.bin  DIR/content-291.bin    the content releases
  DIR/content-older.bin  DIR/content-newer.bin                     of the formats before and after
  DIR/sensorctl                               the tool that compiled them
  DIR/modules/VERSION/RELEASE/sensor.ko       the modules with their debugging information

With --sign, beside them, the same packages with modules signed by KEY, for guests with Secure Boot that trust CERT (both
in PEM; the signature is SHA-256, made by the kernel's own sign-file):

  DIR/signed/sensor_7.15.deb  DIR/signed/sensor_7.16.deb

DIR is build/sensor unless given. Kernel headers are fetched by kernel-headers.sh. Needs no root.
Does nothing when DIR is up to date. The same sources, releases and compiler give the same bytes.
EOF
}

say() { printf '%s\n' "sensor: $*"; }
die() { printf '%s\n' "sensor: $*" >&2; exit 1; }
wrong() { printf '%s\n\n' "sensor: $*" >&2; usage >&2; exit 2; }

out=build/sensor
releases=()
key='' certificate=''
while [ $# -gt 0 ]; do
    case $1 in
        --out) [ $# -ge 2 ] || wrong "--out needs a directory"; out=$2; shift 2 ;;
        --out=*) out=${1#--out=}; shift ;;
        --sign) [ $# -ge 3 ] || wrong "--sign needs a key and its certificate"; key=$2 certificate=$3; shift 3 ;;
        -h | --help) usage; exit 0 ;;
        -*) wrong "unknown option $1" ;;
        *) releases+=("$1"); shift ;;
    esac
done
for file in ${key:+"$key" "$certificate"}; do
    [ -r "$file" ] || die "cannot read $file; openssl req -x509 -newkey rsa:2048 -nodes -keyout KEY -out CERT -subj /CN=NAME makes both"
done
[ ${#releases[@]} -gt 0 ] || wrong "no kernel release given"
# The package does not depend on the order they were given in.
mapfile -t releases < <(printf '%s\n' "${releases[@]}" | sort -uV)

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need gcc-12 gcc-12
need make make
need objcopy binutils
need dpkg-deb dpkg
need apt-get apt
need flock util-linux
if command -v gcc-12 >/dev/null; then
    # Without libc6-dev the compiler only echoes the name.
    [ "$(gcc-12 -print-file-name=libc.a)" != libc.a ] || missing+=(libc6-dev)
fi
# The kernel's own build tools are linked to these.
libraries=$(/sbin/ldconfig -p)
[[ $libraries == *libelf.so.1* ]] || missing+=(libelf1)
[[ $libraries == *libcrypto.so.3* ]] || missing+=(libssl3)
[ ${#missing[@]} -eq 0 ] || die "this host lacks what is needed; run: apt-get install ${missing[*]}"

[ -z "$key" ] || key=$(realpath "$key") certificate=$(realpath "$certificate")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
umask 022
export LC_ALL=C
# Neither a calling make nor the environment takes part in the build.
unset MAKEFLAGS MAKELEVEL CFLAGS LDFLAGS KCFLAGS KBUILD_OUTPUT M
# All times in the packages; the day of the sample's release.
export SOURCE_DATE_EPOCH=1782864000

exec 8>"$out/.lock"
flock 8

# Whatever the result depends on, in one digest.
recipe() {
    printf '%s\n' "${releases[@]}"
    gcc-12 --version | head -n 1
    dpkg-deb --version | head -n 1
    cd "$here"
    find . -type f ! -name README.md ! -path './windows/*' -print0 | sort -z | xargs -0 sha256sum
    [ -z "$key" ] || sha256sum <"$key"
    [ -z "$key" ] || sha256sum <"$certificate"
}
stamp=$(recipe | sha256sum)
products=("$out"/sensor_7.15.deb "$out"/sensor_7.16.deb "$out"/content-{289,290,291,older,newer}.bin)
[ -z "$key" ] || products+=("$out"/signed/sensor_7.15.deb "$out"/signed/sensor_7.16.deb)
if [ -e "$out/.stamp" ] && [ "$(cat "$out/.stamp")" = "$stamp" ]; then
    complete=yes
    for product in "${products[@]}"; do [ -e "$product" ] || complete=no; done
    if [ $complete = yes ]; then
        say "$out is up to date"
        exit 0
    fi
fi
rm -f "$out/.stamp"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

declare -A headers
for release in "${releases[@]}"; do
    headers[$release]=$("$here/kernel-headers.sh" "$release")
done

build_module() { # MINOR RELEASE
    local minor=$1 release=$2 source=$work/7.$1/$2 log=$work/7.$1-$2.log
    say "driver 7.$minor for $release"
    mkdir -p "$source"
    cp "$here"/driver/{Kbuild,sensor.c,sensor_format.h,sensor_match.h} "$source"
    # No directory of this host may reach the module's bytes. The BTF that the headers could generate
    # needs one more tool and serves only tracing. Debian 13's headers ask for an option that gcc-12 lacks;
    # without it the kernel's Makefile takes the older one.
    make -s -C "${headers[$release]}" M="$source" CC=gcc-12 HOSTCC=gcc-12 SENSOR_MINOR="$minor" \
        CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= \
        KCFLAGS="-Wall -ffile-prefix-map=$source=sensor-7.$minor -ffile-prefix-map=${headers[$release]%/usr/src/*}=" \
        modules >"$log" 2>&1 || { cat "$log" >&2; die "driver 7.$minor for $release does not build"; }
    # A warning is somebody's mistake; show it.
    grep -iE 'warning' "$log" >&2 || true
    install -D -m 644 "$source/sensor.ko" "$out/modules/7.$minor/$release/sensor.ko"
}

build_sensorctl() { # MINOR TARGET [FLAG]
    gcc-12 -std=gnu11 -Wall -Wextra -Werror -O2 -s -static -ffile-prefix-map="$here"=. -I"$here/driver" \
        -DSENSORCTL_VERSION="\"7.$1\"" ${3:+"$3"} -o "$2" "$here/userspace/sensorctl.c"
}

sign_module() { # RELEASE FILE
    local tool
    tool=$(find "${headers[$1]%/usr/src/*}/usr/lib" -path '*/linux-kbuild-*/scripts/sign-file' | head -n 1)
    [ -n "$tool" ] || die "the headers of $1 hold no sign-file"
    "$tool" sha256 "$key" "$certificate" "$2" || die "sign-file cannot sign with $key and $certificate"
}

build_package() { # MINOR
    local minor=$1 release script
    local tree=$work/tree-7.$1
    for release in "${releases[@]}"; do
        build_module "$minor" "$release"
        install -d "$tree/usr/lib/sensor/$release"
        objcopy --strip-debug "$out/modules/7.$minor/$release/sensor.ko" \
            "$tree/usr/lib/sensor/$release/sensor.ko"
        chmod 644 "$tree/usr/lib/sensor/$release/sensor.ko"
    done
    install -d "$tree/usr/bin" "$tree/DEBIAN"
    build_sensorctl "$minor" "$tree/usr/bin/sensorctl"
    chmod 755 "$tree/usr/bin/sensorctl"
    install -D -m 644 "$here/debian/sensor.service" "$tree/lib/systemd/system/sensor.service"
    for script in postinst prerm postrm; do
        sed "s/@VERSION@/7.$minor/" "$here/debian/$script" >"$tree/DEBIAN/$script"
        chmod 755 "$tree/DEBIAN/$script"
    done
    cat >"$tree/DEBIAN/control" <<EOF
Package: sensor
Version: 7.$minor
Architecture: amd64
Maintainer: The labctl authors <labctl@example.invalid>
Section: kernel
Priority: optional
Depends: kmod, systemd
Description: endpoint sensor, the sample candidate of labctl
 A kernel driver that matches events against templates from a content file,
 and sensorctl, its tool. It has a known defect and is for test labs only.
 .
 Holds drivers for: ${releases[*]}
EOF
    pack "$tree" "sensor_7.$minor.deb"
    [ -n "$key" ] || return 0
    # Last: whatever changes a module's bytes after it takes its signature away.
    for release in "${releases[@]}"; do sign_module "$release" "$tree/usr/lib/sensor/$release/sensor.ko"; done
    pack "$tree" "signed/sensor_7.$minor.deb"
}

pack() { # TREE PRODUCT
    (cd "$1" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | sort | xargs md5sum) >"$1/DEBIAN/md5sums"
    chmod 644 "$1/DEBIAN/control" "$1/DEBIAN/md5sums"
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    say "package $2"
    # gzip: its bytes depend neither on the number of cores nor on the memory of this host.
    dpkg-deb --root-owner-group -Zgzip --build "$1" "$work/package.deb" >/dev/null
    mkdir -p "$(dirname "$out/$2")"
    mv "$work/package.deb" "$out/$2"
}

rm -rf "$out/modules" "$out/signed"
build_sensorctl 16 "$out/sensorctl"
build_sensorctl 16 "$work/sensorctl-older" -DIPC_FIELDS=20
build_sensorctl 16 "$work/sensorctl-newer" -DIPC_FIELDS=22
build_content() { # TOOL NAME
    say "content $2"
    "$1" compile "$here/content-$2.txt" "$out/content-$2.bin"
    "$1" check "$out/content-$2.bin" >/dev/null
}
for content in 289 290 291; do build_content "$out/sensorctl" $content; done
for format in older newer; do build_content "$work/sensorctl-$format" $format; done
build_package 15
build_package 16

printf '%s\n' "$stamp" >"$out/.stamp"
say "done: $out"
