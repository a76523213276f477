# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

rpm -e "$(rpm -qp --qf '%{NAME}' "$package")" </dev/null
