# Whether what is installed is what was delivered. Answers package=, "right" or what is wrong.
# Arguments: the packages.
# shellcheck shell=sh

state=right
for package in "$@"; do
  name=$(dpkg-deb -f "$package" Package)
  version=$(dpkg-deb -f "$package" Version)
  installed=$(dpkg-query -W -f='${Status} ${Version}' "$name" 2>&1)
  [ "$installed" = "install ok installed $version" ] || state="$name: $installed, not $version"
done
printf 'package=%s\n' "$state"
