# Prints the stanzas of all kernels that a Debian suite's archive has, for `labctl watch`. Runs in an empty folder, which
# is apt's root: the host's apt, its lists and its status are neither read nor written. LABCTL_SUITE names the suite,
# LABCTL_APT_SOURCES files of sources as for `labctl image build`; images/debian-12/build finds its sources by the same rules.
# shellcheck shell=sh
# private_apt.sh stands before it.

suite=$LABCTL_SUITE
# The stanzas of a .sources file, the lines of a .list file, that name a suite.
of_suite() {
  if grep -q '^Types:' "$2"; then awk -v RS= -v ORS='\n\n' -v suite="(^|[^a-z-])$1([^a-z]|\$)" '$0 ~ suite' "$2"
  else grep -E "^deb .* $1[^ a-z]*[a-z-]* " "$2" || true; fi
}
# Each file of sources keeps its form, which apt knows by its ending.
take() { # SUITE FILE
  [ -f "$2" ] || return 0
  if grep -q '^Types:' "$2"; then ending=sources; else ending=list; fi
  of_suite "$1" "$2" >>"etc/apt/sources.list.d/archive.$ending"
}
apt_folders
for file in ${LABCTL_APT_SOURCES:-/etc/apt/sources.list.d/debian.sources /etc/apt/sources.list}; do take "$suite" "$file"; done
found() { [ -s etc/apt/sources.list.d/archive.sources ] || [ -s etc/apt/sources.list.d/archive.list ]; }
if ! found && [ -z "${LABCTL_APT_SOURCES:-}" ]; then
  own=$(. /etc/os-release && echo "${VERSION_CODENAME:-none}")
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do take "$own" "$file"; done
  for file in etc/apt/sources.list.d/*; do
    [ ! -f "$file" ] || sed -i -E "s/ $own-backports[a-z-]*//; s/\b$own\b/$suite/g" "$file"
  done
fi
if ! found; then
  echo "no source of packages names the suite $suite" >&2
  exit 2
fi
private_apt "$suite"
names=$(apt-cache pkgnames linux-image-)
[ -n "$names" ] || { echo "the archive of $suite names no kernel" >&2; exit 3; }
# shellcheck disable=SC2086 # a list of names
apt-cache show $names | grep -E '^(Package|Version|Depends): |^$' >kernels
