# Arguments: the packages.
# shellcheck shell=sh

for package in "$@"; do
  name=$(rpm -qp --qf '%{NAME}' "$package") || exit 1
  set -- "$@" "$name"
  shift
done
rpm -e "$@" </dev/null
