#!/usr/bin/env bash
# reproducible.sh DIR: builds the Debian packages twice, from copies of the tree in two folders of different names and with another
# time, locale and umask, and compares them byte by byte. By hand: each build takes as long as a release build. Needs what debian/control
# needs, and dpkg-dev; where diffoscope is installed it says what differs. ccache is used when PATH has its folder first.
set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "${1:?usage: reproducible.sh DIR}"
out=$(cd "$1" && pwd)
# The changelog's date, which dpkg-buildpackage would take as well: files are not newer than it.
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l"$tree/debian/changelog" -STimestamp)

build() { # FOLDER
  rm -rf "${out:?}/$1"
  mkdir -p "$out/$1"
  git -C "$tree" archive --prefix=labctl/ HEAD | tar -C "$out/$1" -xf -
  (cd "$out/$1/labctl" && dpkg-buildpackage -us -uc -b >../build.log 2>&1) || { tail -n 20 "$out/$1/build.log" >&2; return 1; }
}
(umask 0022 && LC_ALL=C.UTF-8 TZ=UTC build one)
(umask 0002 && LC_ALL=C TZ=Pacific/Kiritimati build a-second-folder-with-a-longer-name)

status=0
for one in "$out"/one/*.deb; do
  other=$out/a-second-folder-with-a-longer-name/${one##*/}
  if cmp "$one" "$other"; then
    printf 'same\t%s\t%s\n' "$(sha256sum <"$one" | cut -d ' ' -f 1)" "${one##*/}"
  else
    status=1
    if command -v diffoscope >/dev/null; then diffoscope "$one" "$other" || true; fi
  fi
done
# What every verdict names is the program itself; a path of the builder's in it would be another one on another host.
for deb in "$out"/one/labctl_*.deb "$out"/one/labctl-judge_*.deb; do
  dpkg-deb -x "$deb" "$out/tree"
done
for program in "$out"/tree/usr/bin/*; do
  if grep -aqF "$out" "$program"; then echo "$program names the folder in which it was built" >&2; status=1; fi
done
exit $status
