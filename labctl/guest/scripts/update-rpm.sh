# Installs a package of the operating system's, without a network; one of a kernel goes beside the running one, as package
# managers do it. What rpm said comes last.
# Answers kernels=, the releases whose kernels the package holds, with a space behind each.
# Values: package.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

command -v rpm >/dev/null || { echo "this image has no rpm"; exit 1; }
how='-U --oldpackage'
rpm -qp --provides "$package" 2>/dev/null | grep -qE '^(installonlypkg|multiversion)\(|^kernel.*-uname-r ' && how=-i
log=$(mktemp)
# shellcheck disable=SC2086  # words
rpm $how --replacepkgs "$package" </dev/null >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
  tail -c 16000 "$log"
  exit $status
fi
kernels=$(rpm -qpl "$package" 2>/dev/null |
  sed -n -E -e 's,^/boot/vmlinuz-([^/]+)$,\1,p' -e 's,^(/usr)?/lib/modules/([^/]+)/vmlinuz$,\2,p' | sort -u | tr '\n' ' ')
sync
printf 'kernels=%s\n' "$kernels"
tail -c 16000 "$log" | sed 's/^/| /'
