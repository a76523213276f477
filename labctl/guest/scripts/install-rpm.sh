# Arguments: the packages, which are installed together.
# shellcheck shell=sh

rpm -U --replacepkgs --oldpackage "$@" </dev/null
