# Threads that sleep uninterruptibly: who, how often it has been switched so far, and where it sleeps. One that has not
# been switched between two answers has not run in between. Answers sleeper.PID.START=SWITCHES NAME|FRAME|FRAME..., and
# where there is one hung_task_timeout= and hung_task_interval=, in seconds, of the kernel's own watchdog.
# shellcheck shell=sh

sleepers=0
for status in $(grep -ls '^State:.D' /proc/[0-9]*/task/[0-9]*/status); do
  thread=${status%/status}
  stat=$(cat "$thread/stat" 2>/dev/null) || continue
  name=${stat#*\(}
  name=$(printf %s "${name%)*}" | tr '|\000-\037\177-\377' '?')
  # Behind the name, which may hold anything: the state first, the time of its start twentieth.
  # shellcheck disable=SC2086  # words
  set -- ${stat##*\)}
  [ "$1" = D ] && [ $sleepers -lt 16 ] || continue
  sleepers=$((sleepers + 1))
  switches=$(sed -n 's/.*ctxt_switches:[[:space:]]*//p' "$status" 2>/dev/null | tr '\n' +)
  stack=$(sed -n 's/^\[<[0-9a-f]*>\] //p' "$thread/stack" 2>/dev/null | head -n 16 | tr '\n' '|')
  printf 'sleeper.%s.%s=%s %s|%s\n' "${thread##*/}" "${20}" "${switches%+}" "$name" "$stack"
done
if [ $sleepers -gt 0 ]; then
  echo hung_task_timeout="$(cat /proc/sys/kernel/hung_task_timeout_secs 2>/dev/null)"
  echo hung_task_interval="$(cat /proc/sys/kernel/hung_task_check_interval_secs 2>/dev/null)"
fi
