# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

rpm -U --replacepkgs --oldpackage "$package" </dev/null
