# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

DEBIAN_FRONTEND=noninteractive dpkg -i --force-confnew "$package" </dev/null
