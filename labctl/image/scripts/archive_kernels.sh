# Prints the stanzas of all kernels that a Debian suite's archive has, for `labctl watch`. Runs in an empty folder, which
# is apt's root: the host's apt, its lists and its status are neither read nor written. LABCTL_SUITE names the suite,
# LABCTL_APT_SOURCES files of sources as for `labctl image build`; images/debian-12/build finds its sources by the same rules.
# shellcheck shell=sh

set -eu
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
mkdir -p etc/apt/sources.list.d etc/apt/apt.conf.d etc/apt/preferences.d state/lists/partial cache/archives/partial
: >status
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
if grep -iqE '\b(trusted|allow-insecure|allow-weak)\s*[:=]\s*(yes|true|1|on|with|enable)' etc/apt/sources.list.d/*; then
  echo "the sources of $suite ask to trust packages without a signature" >&2
  exit 2
fi
# As the host fetches: its proxy, its patience, its trust in dates.
apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https Acquire::Retries Acquire::Check-Valid-Until \
  Acquire::Check-Date Acquire::ForceIPv4 2>/dev/null | grep -v '""' >apt.conf || true
cat >>apt.conf <<END
Dir "$PWD";
Dir::Etc "$PWD/etc/apt";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State "$PWD/state";
Dir::State::status "$PWD/status";
Dir::Cache "$PWD/cache";
Dir::Log "$PWD";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
END
export APT_CONFIG="$PWD/apt.conf" LC_ALL=C
apt-get -q update >update.log 2>&1 || { grep -E '^(E|Err|W):' update.log >&2 || cat update.log >&2; exit 3; }
names=$(apt-cache pkgnames linux-image-)
[ -n "$names" ] || { echo "the archive of $suite names no kernel" >&2; exit 3; }
# shellcheck disable=SC2086 # a list of names
apt-cache show $names | grep -E '^(Package|Version|Depends): |^$' >kernels
