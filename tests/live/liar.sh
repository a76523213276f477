#!/usr/bin/env bash
# A candidate that lies: what it installs takes the guest agent's place and floods the console at full speed. For every lie the run
# must end without "passed", with labctl alive, within its bounds of memory and disk. By hand: about a minute for each lie.
#
#   liar.sh LABCTL IMAGE [LIE...]    lies: deep huge endless silent well contradictory
set -euo pipefail
labctl=$(realpath "$1") image=$2
shift 2
[[ $# -gt 0 ]] || set -- deep huge endless silent well contradictory
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The agent's place is taken some seconds after the installation has been answered by the honest one.
cat >"$out/liar" <<'LIAR'
#!/bin/sh
cat >/usr/sbin/liar <<'PERL'
use strict;
my $lie = $ARGV[0];
sleep 3;
system("systemctl stop qemu-guest-agent; pkill -9 qemu-ga");
unless (fork) { open(my $c, '>', '/dev/ttyS0'); my $f = "\e[2J\e]0;owned\a<script>alert(1)</script> BUG: Linux version 6.6.6 ../../x\n" x 100; print $c $f while 1 }
open(my $p, '+<', '/dev/virtio-ports/org.qemu.guest_agent.0') or die; binmode $p; select($p); $| = 1;
my $deep = '[' x 1000000 . ']' x 1000000;
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
      : "{\"return\": " . ($l =~ /ping/ ? '{}' : $l =~ /status/ ? '{"exited": true, "exitcode": 0, "out-data": "c3RhdGU9bGl2ZQo="}' : '{"pid": 7}') . "}\n";
    do { for (my $o = 0; $o < length $say;) { $o += syswrite($p, $say, 65536, $o) || 0 } } while $lie eq 'endless';
  }
}
PERL
setsid perl /usr/sbin/liar @LIE@ </dev/null >/dev/null 2>&1 &
LIAR

worst=0
for lie in "$@"; do
  sed "s/@LIE@/$lie/" "$out/liar" >"$out/candidate"
  cat >"$out/liar.yaml" <<YAML
labctl: 1
name: liar-$lie
candidate: {driver: {candidate: candidate}}
matrix: {image: [$image]}
guest:
  linux:
    driver: {kind: script, install: sh \$LABCTL_DRIVER}
    proof: [{run: "true"}]
story: [install driver, wait 10s, reboot x1]
YAML
  code=0
  /usr/bin/time -f '%M' -o "$out/memory" "$labctl" run "$out/liar.yaml" --out "$out/bundles" >"$out/said" 2>"$out/errors" || code=$?
  bundle=$(sed -n 's/^bundle: //p' "$out/said")
  reason=$(jq -r '.cells[] | select(.control | not) | .outcome + ": " + .reason' "$bundle/verdict.json" 2>/dev/null | head -1 | cut -c1-150) || reason='no bundle'
  size=$(du -sm "$bundle" | cut -f1)
  escaped=$(grep -lP '\x1b\]0;owned' "$out/said" "$out/errors" "$bundle"/*.* 2>/dev/null | wc -l)
  printf '%-14s exit code %s, %s MiB of memory, %s MiB of bundle, %s files with its escapes: %s\n' \
    "$lie" "$code" "$(($(tail -1 "$out/memory") / 1024))" "$size" "$escaped" "$reason"
  [[ $code == 1 || $code == 3 ]] && [[ $escaped == 0 ]] || { worst=1; tail -5 "$out/errors" "$out/said"; }
done
exit $worst
