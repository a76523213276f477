# Loads a module, and what it depends on first. Other modules of the candidate's, which are loaded before it, are in no
# index of modprobe's.
# Values: module (its path). Arguments: its options.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

for dependency in $(modinfo -F depends "$module" | tr , ' '); do
  [ -d "/sys/module/$dependency" ] || modprobe "$dependency" || exit 1
done
exec insmod "$module" "$@"
