# Whether a crash kernel (kdump) is loaded, which a panic would start, and whether a dump could be read behind it.
# Answers crash_kernel=, 1 or 0; makedumpfile=, yes or no.
# shellcheck shell=sh

PATH=$PATH:/usr/sbin:/sbin
read -r loaded </sys/kernel/kexec_crash_loaded
echo "crash_kernel=${loaded:-0}"
if command -v makedumpfile >/dev/null; then echo makedumpfile=yes; else echo makedumpfile=no; fi
exit 0
