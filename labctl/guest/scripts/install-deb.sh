# Arguments: the packages, which are installed together.
# shellcheck shell=sh

DEBIAN_FRONTEND=noninteractive dpkg -i --force-confnew "$@" </dev/null
