# Copies a file to its path.
# Values: file, path.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

mkdir -p "$(dirname "$path")" && cp "$file" "$path" && sync "$path"
