# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

dpkg --purge "$(dpkg-deb -f "$package" Package)" </dev/null
