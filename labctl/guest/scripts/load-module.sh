# Loads a module, and what it depends on first.
# Values: module (its path). Arguments: its options.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

for dependency in $(modinfo -F depends "$module" | tr , ' '); do
  modprobe "$dependency" || exit 1
done
exec insmod "$module" "$@"
