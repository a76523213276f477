#!/usr/bin/env bash
# A candidate that lies: what it installs takes the guest agent's place, floods the console at full speed (forged boot markers, terminal
# escapes, HTML, names that lead elsewhere) and fills its disk. For every lie the run must end without "passed", with labctl alive, within
# its bounds of memory and disk, and nothing of it may reach the terminal or a report unescaped. By hand: all lies are one run, two at once.
#
#   liar.sh LABCTL IMAGE [LIE...]
#
#   deep           two million brackets                       silent         takes the port and says nothing
#   huge           30 MB in one answer                        well           answers as if all were well, at once, for ever
#   endless        an answer without an end                   contradictory  one key twice, exited and not
#   base64         a bomb of base64 that decodes to 20 MB     other          answers for a question that nobody put
#   escapes        terminal escapes and HTML in an error
set -euo pipefail
labctl=$(realpath "$1") image=$2
shift 2
[[ $# -gt 0 ]] || set -- deep huge endless base64 silent well contradictory other escapes
most_memory=600 most_disk=420 # MiB: of labctl, with two consoles of 64 that wait; of a cell: a console of 256, a journal of 128
out=$(mktemp -d)

# The agent's place is taken some seconds after the installation has been answered by the honest one.
cat >"$out/liar" <<'LIAR'
#!/bin/sh
cat >/usr/sbin/liar <<'PERL'
use strict;
my $lie = $ARGV[0];
sleep 3;
system("systemctl stop qemu-guest-agent; pkill -9 qemu-ga");
unless (fork) { open(my $c, '>', '/dev/ttyS0'); my $f = "\e[2J\e]0;owned\a<script>alert(1)</script> BUG: Linux version 6.6.6 ../../x\n" x 100; print $c $f while 1 }
unless (fork) { open(my $d, '>', '/fills-its-disk'); print $d "\0" x 1000000 while 1 }
open(my $p, '+<', '/dev/virtio-ports/org.qemu.guest_agent.0') or die; binmode $p; select($p); $| = 1;
my $deep = '[' x 1000000 . ']' x 1000000;
my $owned = '\u001b]0;owned\u0007<script>alert(1)</script>../../x';
my %status = (well => 'c3RhdGU9bGl2ZQo=', base64 => 'QUFB' x 7000000);
my $buf = '';
for (;;) {
  sysread($p, my $got, 65536) or do { select(undef, undef, undef, 0.1); next };
  $buf .= $got;
  while ($buf =~ s/^([^\n]*)\n//) {
    my $l = $1; $l =~ s/\xff//g;
    my ($id) = $l =~ /"id":(\d+)/;
    if ($l =~ /guest-sync-delimited/) { syswrite $p, "\xff{\"return\": $id}\n" unless $lie eq 'silent'; next }
    my $say = $lie eq 'deep' ? "{\"return\": $deep}\n" : $lie eq 'huge' ? '{"return": "' . 'A' x 30000000 . "\"}\n"
      : $lie eq 'endless' ? 'A' x 1000000 : $lie eq 'contradictory' ? "{\"return\": {}, \"return\": {\"pid\": 7, \"exited\": true, \"exited\": false, \"exitcode\": 0}}\n"
      : $lie eq 'other' ? "{\"return\": {}, \"id\": 4242}\n{\"return\": 1}\n"
      : $lie eq 'escapes' && $l =~ /"guest-exec"/ ? "{\"error\": {\"class\": \"$owned\", \"desc\": \"$owned\"}}\n"
      : "{\"return\": " . ($l =~ /ping/ ? '{}' : $l =~ /status/ ? '{"exited": true, "exitcode": 1, "out-data": "' . $status{$lie} . '", "err-data": "' . $status{$lie} . '"}' : '{"pid": 7}') . "}\n";
    $say =~ s/"exitcode": 1/"exitcode": 0/ if $lie eq 'well';
    do { for (my $o = 0; $o < length $say;) { $o += syswrite($p, $say, 65536, $o) || 0 } } while $lie eq 'endless';
  }
}
PERL
setsid perl /usr/sbin/liar @LIE@ </dev/null >/dev/null 2>&1 &
LIAR

labels=() files=()
label() { if [[ $1 == "$first" ]]; then echo candidate; else echo "$1"; fi; } # a gate has one of this name
first=$1
for lie in "$@"; do
  sed "s/@LIE@/$lie/" "$out/liar" >"$out/$lie"
  labels+=("$(label "$lie")") files+=("$(label "$lie"): $lie")
done
list() { local IFS=,; echo "$*"; }
cat >"$out/liar.yaml" <<YAML
labctl: 1
name: liar
candidate: {driver: {$(list "${files[@]}")}}
matrix: {image: [$image], driver: [$(list "${labels[@]}")]}
guest:
  linux:
    driver: {kind: script, install: sh \$LABCTL_DRIVER}
    proof: [{run: "true"}]
story: [install driver, wait 10s, reboot x1]
YAML
"$labctl" run "$out/liar.yaml" --out "$out/bundles" --jobs 2 >"$out/said" 2>"$out/errors" &
run=$! memory=0 code=0
while kill -0 "$run" 2>/dev/null; do # its own, not that of its QEMUs
  now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$run/status" 2>/dev/null || true)
  [[ -z $now ]] || memory=$((now / 1024))
  sleep 1
done
wait "$run" || code=$?
bundle=$(sed -n 's/^bundle: //p' "$out/said")
[[ -n $bundle ]] || { cat "$out/errors"; exit 1; }
worst=0
for lie in "$@"; do
  cell=$(jq -r --arg lie "driver-$(label "$lie")" '.cells[].id | select(endswith($lie))' "$bundle/verdict.json")
  ended=$(jq -r --arg id "$cell" '.cells[] | select(.id == $id) | .outcome' "$bundle/verdict.json")
  reason=$(jq -r --arg id "$cell" '.cells[] | select(.id == $id) | .reason' "$bundle/verdict.json" | cut -c1-110)
  size=$(du -sm "$bundle/cells/$cell" | cut -f1)
  printf '%-14s %-11s %4s MiB recorded: %s\n' "$lie" "$ended" "$size" "$reason"
  [[ -n $ended && $ended != passed && $size -lt $most_disk ]] || worst=1
done
obeyed=$({ # printed as they are found; JSON is data, and in summary.md what a guest says stands in code spans
  grep -lP '\x1b\]0;owned|\x1b\[2J' "$out/said" "$out/errors" "$bundle"/*.*
  grep -l '<script>alert' "$bundle/report.html" "$bundle/junit.xml"
} 2>/dev/null | wc -l || true)
strange=$(find "$out" "$bundle" -name x | wc -l)
echo "exit code $code, at most $memory MiB of memory, $obeyed reports that obey it, $strange files of its naming"
[[ ($code == 1 || $code == 3) && $memory -gt 0 && $memory -lt $most_memory && $obeyed == 0 && $strange == 0 ]] || worst=1
[[ $worst == 0 ]] || { echo "FAILED: $out"; tail -5 "$out/errors"; exit 1; }
rm -rf "$out"
