# Whether what is installed is what was delivered. Answers package=, "right" or what is wrong.
# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

name=$(dpkg-deb -f "$package" Package)
version=$(dpkg-deb -f "$package" Version)
installed=$(dpkg-query -W -f='${Status} ${Version}' "$name" 2>&1)
if [ "$installed" = "install ok installed $version" ]; then
  echo package=right
else
  echo "package=$installed, not $version"
fi
