# Fetches the packages "$@" with all that they need into packages/, for `labctl image import --packages-from LABCTL_SOURCES`. Runs
# in an empty folder. Nothing counts as installed: what the guest has is its own apt's to leave out.
# shellcheck shell=sh
# private_apt.sh stands before it.

apt_folders
# What is on this host apt would use where it is, and leave nothing in its cache.
sed -E 's#(^|[[:space:]])file:/#\1copy:/#g' "$LABCTL_SOURCES" >"etc/apt/sources.list.d/given.${LABCTL_SOURCES##*.}"
private_apt "$LABCTL_SOURCES"
apt-get -q -y --no-install-recommends --download-only install -- "$@" >fetch.log 2>&1 || {
  grep -E '^E:| : (Depends|PreDepends|Conflicts|Breaks):' fetch.log >&2 || cat fetch.log >&2
  # What cannot be had by another try is the author's.
  grep -qE '^E: (Failed to fetch|Unable to fetch)' fetch.log && exit 3
  exit 2
}
mkdir packages
mv cache/archives/*.deb packages/
