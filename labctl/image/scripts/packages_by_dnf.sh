# The same of rpm: the packages "$@" with all that they need into packages/, by a dnf whose root is empty. Each is verified with
# the keys that the .repo file LABCTL_SOURCES names; one that turns the check off is refused.
# shellcheck shell=sh

set -eu
sources=$LABCTL_SOURCES
if grep -iqE '^[[:space:]]*(pkg_)?gpgcheck[[:space:]]*[:=][[:space:]]*(0|no|false|off)' "$sources"; then
  echo "$sources asks to trust packages without a signature" >&2
  exit 2
fi
keys=$(sed -n 's/^[[:space:]]*gpgkey[[:space:]]*[:=][[:space:]]*//p' "$sources" | tr ',' ' ')
[ -n "$keys" ] || { echo "$sources names no gpgkey, so nothing vouches for its packages" >&2; exit 2; }
mkdir -p root repos cache rpmdb packages
cp -- "$sources" repos/given.repo
for key in $keys; do
  case $key in
    file://*) rpmkeys --dbpath "$PWD/rpmdb" --import "${key#file://}" ;;
    *) echo "gpgkey=$key: the keys are to be files of this host, file:///..., and not from the server that they vouch for" >&2; exit 2 ;;
  esac
done
LC_ALL=C dnf -q -y --installroot="$PWD/root" --setopt=reposdir="$PWD/repos" --setopt=cachedir="$PWD/cache" --setopt=varsdir=/nonexistent \
  --setopt=gpgcheck=1 --setopt='*.gpgcheck=1' --setopt=install_weak_deps=False --setopt=keepcache=1 --forcearch=x86_64 --releasever=/ \
  --downloadonly --downloaddir="$PWD/packages" install "$@" >fetch.log 2>&1 || {
  grep -E '^(Error|Problem|No match|Unable to find| +- )' fetch.log >&2 || cat fetch.log >&2
  grep -qiE 'cannot (prepare|download)|failed to download|timeout|curl error' fetch.log && exit 3
  exit 2
}
# dnf verifies on installing, and nothing is installed here.
rpmkeys --dbpath "$PWD/rpmdb" --define '_pkgverify_level all' --checksig packages/*.rpm >check.log 2>&1 || {
  grep -v ': digests signatures OK$' check.log >&2
  exit 2
}
