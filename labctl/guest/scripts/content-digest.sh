# Answers content_sha256=.
# Values: path.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

echo content_sha256="$(sha256sum <"$path" | cut -c1-64)"
