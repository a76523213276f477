# Whether the module in memory is the one that was built in this guest, by its build id in what dkms keeps of the build.
# Answers built=, "yes" or what is wrong.
# Values: module.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

state="no module of that name was built"
id=$(od -An -v -tx1 "/sys/module/$module/notes/.note.gnu.build-id" 2>/dev/null | tr -d ' \n' | cut -c 33-160)
for file in /var/lib/dkms/*/*/"$(uname -r)"/*/module/*.ko*; do
  name=$(basename "$file")
  [ "$(printf %s "${name%%.ko*}" | tr - _)" = "$module" ] || continue
  state="another build is in memory than the one that was built"
  case $file in
    *.xz) unpack='xz -dc' ;;
    *.zst) unpack='zstd -dc' ;;
    *.gz) unpack='gzip -dc' ;;
    *) unpack='cat' ;;
  esac
  [ -z "$id" ] || ! $unpack "$file" | od -An -v -tx1 | tr -d ' \n' | grep -q "$id" || { state=yes; break; }
done
printf 'built=%s\n' "$state"
