# Shows the dump of a crash on purpose, one that was not there before it: the first one that nothing is wrong with, else the
# last. Debian's is flattened by default, for a pipe; makedumpfile puts it in order, which needs as much room again.
# Answers dump=, size=, finished=, form=, read=, text= and why=, a program's last words; dump= alone where there is none.
# A dump that proves the crash is removed with its folder: the next ones need the room.
# Values: mark, text. Needs dumps.sh before it.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

PATH=$PATH:/usr/sbin:/sbin
tell() { printf 'dump=%s\nsize=%s\nfinished=%s\nform=%s\nread=%s\ntext=%s\nwhy=%s\n' "$dump" "$size" "$finished" "$form" "$read" "$held" "$why"; }
look() { # of $dump, with $work to work in
  size=$(stat -c %s "$dump") finished=yes form=right read=no held=no why=
  case ${dump##*/} in *incomplete*) finished=no ;; esac
  core=$dump
  case $(head -c 12 "$dump" | tr '\0' '.') in
    makedumpfile)
      core=$work/core
      makedumpfile -R "$core" <"$dump" >"$work/said" 2>&1 && read=yes
      ;;
    # Filtered again it is read to its end.
    KDUMP* | ?ELF*) makedumpfile -F -c -d 31 "$dump" 2>"$work/said" >/dev/null && read=yes ;;
    *) form=wrong ;;
  esac
  if [ $read = yes ] && rm -f "$work/log" && makedumpfile --dump-dmesg "$core" "$work/log" >"$work/said" 2>&1; then
    if grep -qF "$text" "$work/log"; then held=yes; fi
  else
    read=no
  fi
  [ "$form $read" != "right no" ] || why=$(tr '\r' '\n' <"$work/said" | grep -v '^ *$' | tail -n 2 | tr '\n' ' ')
  [ "$finished $form $read $held" = "yes right yes yes" ] && [ "$size" -gt 0 ]
}

dumps >/dev/null
work=$(mktemp -d "$folder/labctl.XXXXXX") || exit
trap 'rm -rf "$work"' EXIT
dumps | grep -vxFf "$mark/before" >"$work/new"
found=
while read -r dump; do
  if look; then
    tell
    case ${dump%/*} in "$folder") rm -f "$dump" ;; *) rm -rf "${dump%/*}" ;; esac
    exit 0
  fi
  found=$(tell)
  rm -f "$work/core"
done <"$work/new"
[ -n "$found" ] || { echo dump=; find "$folder" -ls | tail -n 5 | sed 's/^/| /'; exit 0; }
printf '%s\n' "$found"
