# Suspends the guest to RAM (ACPI S3), once for each mark: whoever asks again, because the first answer got lost on the
# way down, waits for what becomes of it. The agent has two seconds to say that this has begun. The console stays on
# meanwhile, so that what the kernel says on its way down and up is seen. Ends when the guest is awake again.
# Values: mark.
# shellcheck shell=sh disable=SC2154  # its values are assigned before it

wanted() { # mem_sleep names what "mem" stands for; without it there is one kind only
  grep -qw mem /sys/power/state 2>/dev/null && { [ ! -e /sys/power/mem_sleep ] || echo deep >/sys/power/mem_sleep; }
}
mkdir -p "${mark%/*}"
if mkdir "$mark" 2>/dev/null; then
  if wanted 2>/dev/null; then
    console=/sys/module/printk/parameters/console_suspend
    before=$(cat "$console" 2>/dev/null)
    echo N >"$console" 2>/dev/null
    sleep 2
    sh -c 'echo mem >/sys/power/state' 2>"$mark/said"
    status=$?
    [ -z "$before" ] || echo "$before" >"$console"
  else
    echo "its kernel or its machine cannot suspend to RAM: $(cat /sys/power/state /sys/power/mem_sleep 2>&1 | tr '\n' ' ')" >"$mark/said"
    status=3
  fi
  echo "$status" >"$mark/status.new" && mv "$mark/status.new" "$mark/status"
else
  until [ -e "$mark/status" ]; do sleep 0.5; done
fi
cat "$mark/said"
exit "$(cat "$mark/status")"
