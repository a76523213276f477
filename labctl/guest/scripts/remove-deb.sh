# Arguments: the packages.
# shellcheck shell=sh

for package in "$@"; do
  name=$(dpkg-deb -f "$package" Package) || exit 1
  set -- "$@" "$name"
  shift
done
dpkg --purge "$@" </dev/null
