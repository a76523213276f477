# An apt whose root is the empty folder in which it runs: the host's lists and status are neither read nor written. Stands before
# the scripts that use it.
# shellcheck shell=sh

set -eu
apt_folders() {
  mkdir -p etc/apt/sources.list.d etc/apt/apt.conf.d etc/apt/preferences.d state/lists/partial cache/archives/partial
  : >status
}
# After the sources are in etc/apt/sources.list.d. Exit 2: they are no good; 3: the archive cannot be read.
private_apt() { # WHAT-THE-SOURCES-ARE-OF
  if grep -iqE '\b(trusted|allow-insecure|allow-weak)\s*[:=]\s*(yes|true|1|on|with|enable)' etc/apt/sources.list.d/*; then
    echo "the sources of $1 ask to trust packages without a signature" >&2
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
}
