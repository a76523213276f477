#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Needs: apt dpkg coreutils util-linux   (and, to build with what it prints: gcc-12 make libelf1)
set -euo pipefail

usage() {
    cat <<'EOF'
usage: kernel-headers.sh KERNEL_RELEASE

Prints the path of a directory in which kernel modules for KERNEL_RELEASE (6.1.0-56-amd64) can be
built, for `make -C`. Nothing is installed: Debian's header packages are fetched with the apt client
as it is configured, and unpacked under ${XDG_CACHE_HOME:-~/.cache}/labctl/headers. What is there
already is not fetched again. A kernel of another Debian release (5.10.0-46-amd64 is Debian 11's,
6.12.117+deb13-amd64 Debian 13's) comes from the same mirror. Needs no root.
EOF
}

say() { printf '%s\n' "kernel-headers: $*" >&2; }
die() { say "$*"; exit 1; }

case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    '' | -*) usage >&2; exit 2 ;;
esac
[ $# -eq 1 ] || { usage >&2; exit 2; }
release=$1
# The release becomes part of a path.
[[ $release =~ ^[0-9][A-Za-z0-9.+~-]*$ ]] || die "'$release' is no kernel release; one looks like 6.1.0-56-amd64"

for tool in apt-get apt-cache dpkg flock; do
    command -v "$tool" >/dev/null || die "$tool is missing; run: apt-get install apt dpkg util-linux"
done

cache=${XDG_CACHE_HOME:-$HOME/.cache}/labctl/headers
root=$cache/$release
build=$root/usr/src/linux-headers-$release
mkdir -p "$cache"

# Two builds at once must not unpack into each other.
exec 9>"$cache/.lock"
flock 9

if [ -e "$root/.complete" ]; then
    printf '%s\n' "$build"
    exit 0
fi

# A kernel of another Debian release than the host's: the host's sources with that release's name in place of its own,
# in lists of their own. Keys and trust stay the host's.
case $release in
    5.10.0-*) suite=bullseye ;;
    6.1.0-* | *+deb12*) suite=bookworm ;;
    *+deb13*) suite=trixie ;;
    *) suite= ;;
esac
own=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
use_suite() {
    local file lists=$cache/.apt-$suite
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    rm -f "$lists"/sources.*
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ ! -s "$file" ] || sed -E "s/ $own-backports[a-z-]*//; s/\b$own\b/$suite/g" "$file" >"$lists/sources.${file##*.}"
    done
    cat >"$lists/apt.conf" <<EOF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$lists";
Dir::State::lists "$lists/lists";
Dir::Cache "$lists/cache";
Dir::Ignore-Files-Silently { "^apt\.conf$"; };
EOF
    export APT_CONFIG=$lists/apt.conf
    say "asking the mirror for $suite"
    apt-get -qq -o APT::Sandbox::User=root update >&2 || die "apt-get update for $suite failed"
}
[ -z "$suite" ] || [ "$suite" = "$own" ] || use_suite

# The candidate's dependencies that hold headers and build tools. The compiler is the host's own,
# and the kernel image is not needed. One name per line; an alternative counts as its first name.
needs() {
    apt-cache show --no-all-versions "$1" 2>/dev/null |
        sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' |
        grep -E '^linux-(headers|kbuild)-' || true
}

package=linux-headers-$release
if ! apt-cache show --no-all-versions "$package" >/dev/null 2>&1; then
    known=$(apt-cache pkgnames linux-headers- | sed -n 's/^linux-headers-\([0-9].*-amd64\)$/\1/p' |
        grep -E '^[0-9]+\.[0-9]+\.[0-9]+' | grep -vE -- '-(rt|cloud)-' | sort -V | tail -n 8 | tr '\n' ' ' || true)
    die "apt knows no package $package; run: apt-get update.  Releases it has headers for: ${known:-none}"
fi

wanted=$package
queue=$package
while [ -n "$queue" ]; do
    next=
    for name in $queue; do
        for need in $(needs "$name"); do
            case " $wanted " in *" $need "*) continue ;; esac
            wanted+=" $need"
            next+=" $need"
        done
    done
    queue=$next
done

say "fetching $wanted"
work=$(mktemp -d "$cache/.partial.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"
# Word splitting is wanted: these are package names. As root, apt would otherwise complain that its
# own user cannot write here.
# shellcheck disable=SC2086
(cd "$work/debs" && apt-get -qq -o APT::Sandbox::User=root download $wanted >&2) ||
    die "apt-get download failed; run: apt-get update, and try again"
for deb in "$work"/debs/*.deb; do
    dpkg -x "$deb" "$work/root"
done
[ -e "$work/root/usr/src/linux-headers-$release/Makefile" ] || die "$package holds no /usr/src/linux-headers-$release/Makefile"

# A newer Debian's build tools want a newer C library. The host's own Debian may have built the same ones.
tools=("$work"/root/usr/lib/linux-kbuild-*)
if [[ $(ldd "${tools[0]}"/tools/objtool/objtool* 2>&1) == *GLIBC*'not found'* ]]; then
    twin=$(. /etc/os-release && basename "${tools[0]/+deb*/+deb$VERSION_ID}")
    say "fetching $twin: the build tools of $release want a newer C library than this host has"
    (cd "$work" && unset APT_CONFIG && apt-get -qq -o APT::Sandbox::User=root download "$twin" >&2) ||
        die "modules for $release cannot be built here: this host's Debian has no $twin"
    rm -rf "${tools[0]}"
    dpkg -x "$work/$twin"_*.deb "$work/root"
    mv "$work/root/usr/lib/$twin" "${tools[0]}"
fi

# The links between the packages are relative; the Makefile names its other half by an absolute path.
sed -i "s|/usr/src/|$root/usr/src/|g" "$work/root/usr/src/linux-headers-$release/Makefile"
touch "$work/root/.complete"
rm -rf "$root"
mv "$work/root" "$root"
printf '%s\n' "$build"
