#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Needs: gcc-12 make libelf1 libssl3 dpkg apt util-linux
set -euo pipefail

usage() {
    cat <<'EOF'
usage: build.sh [--out DIR] KERNEL_RELEASE...

Builds the crash zoo, DIR/RELEASE/NAME.ko for every NAME.c here and every given kernel release.
DIR is build/guests unless given. What each animal does is in its source, what labctl must say about
it in zoo.tsv. Kernel headers are fetched by scenarios/sensor/kernel-headers.sh. Needs no root. Does
nothing when DIR is up to date.
EOF
}

say() { printf '%s\n' "zoo: $*"; }
die() { printf '%s\n' "zoo: $*" >&2; exit 1; }
wrong() { printf '%s\n\n' "zoo: $*" >&2; usage >&2; exit 2; }

out=build/guests
releases=()
while [ $# -gt 0 ]; do
    case $1 in
        --out) [ $# -ge 2 ] || wrong "--out needs a directory"; out=$2; shift 2 ;;
        --out=*) out=${1#--out=}; shift ;;
        -h | --help) usage; exit 0 ;;
        -*) wrong "unknown option $1" ;;
        *) releases+=("$1"); shift ;;
    esac
done
[ ${#releases[@]} -gt 0 ] || wrong "no kernel release given"

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need gcc-12 gcc-12
need make make
need flock util-linux
libraries=$(/sbin/ldconfig -p)
[[ $libraries == *libelf.so.1* ]] || missing+=(libelf1)
[[ $libraries == *libcrypto.so.3* ]] || missing+=(libssl3)
[ ${#missing[@]} -eq 0 ] || die "this host lacks what is needed; run: apt-get install ${missing[*]}"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
umask 022
export LC_ALL=C
unset MAKEFLAGS MAKELEVEL CFLAGS LDFLAGS KCFLAGS KBUILD_OUTPUT M

# The table and the animals must agree, or a test would pass by testing nothing.
difference=$(diff <(grep -v '^#' "$here/zoo.tsv" | cut -f 1 | sort) \
    <(cd "$here" && printf '%s\n' *.c | sed 's/\.c$//' | sort) || true)
[ -z "$difference" ] || die "zoo.tsv and the sources disagree:"$'\n'"$difference"

exec 8>"$out/.lock"
flock 8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

recipe() {
    gcc-12 --version | head -n 1
    cd "$here"
    sha256sum build.sh Kbuild zoo.h -- *.c
}
stamp=$(recipe | sha256sum)

for release in "${releases[@]}"; do
    target=$out/$release
    if [ -e "$target/.stamp" ] && [ "$(cat "$target/.stamp")" = "$stamp" ]; then
        say "$target is up to date"
        continue
    fi
    headers=$("$here/../../scenarios/sensor/kernel-headers.sh" "$release")
    say "building for $release"
    source=$work/$release
    mkdir "$source"
    cp "$here"/{Kbuild,zoo.h} "$here"/*.c "$source"
    make -s -j "$(nproc)" -C "$headers" M="$source" CC=gcc-12 HOSTCC=gcc-12 CONFIG_DEBUG_INFO_BTF_MODULES= \
        KCFLAGS="-ffile-prefix-map=$source=zoo -ffile-prefix-map=${headers%/usr/src/*}=" \
        modules >"$work/log" 2>&1 || { cat "$work/log" >&2; die "the zoo does not build for $release"; }
    grep -iE 'warning' "$work/log" >&2 || true
    rm -rf "$target"
    mkdir "$target"
    for module in "$source"/*.ko; do
        install -m 644 "$module" "$target"
    done
    printf '%s\n' "$stamp" >"$target/.stamp"
done
say "done: $out"
