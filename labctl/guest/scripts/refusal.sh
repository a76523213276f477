# When what follows fails: what the kernel last said of a module that it refused goes to the end of its output, which is
# that of standard error. Under Secure Boot insmod says no more than "Key was rejected by service".
# shellcheck shell=sh disable=SC2154

trap 'labctl_status=$?
[ $labctl_status = 0 ] || dmesg 2>/dev/null | grep -E "module loading is restricted|Loading of .*module.* is rejected" |
  tail -n 1 | sed -E "s/^\[[^]]*\] */the kernel said: /; s/;.*//" >&2
exit $labctl_status' EXIT
