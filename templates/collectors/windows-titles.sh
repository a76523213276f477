#!/bin/sh
# Lines of windows.ps1 in, the same lines out, their stops named by the titles of `labctl scan`, which no Windows has. Run it where the
# lines are gathered, before they are added to reports.jsonl:
#   windows-titles.sh <from-windows.jsonl >>reports.jsonl
# Wants jq and labctl-judge. A code that is not known stays a code. Which driver it was is in the dump: `labctl scan DUMP`.
set -eu
lines=$(mktemp) && trap 'rm -f "$lines" "$lines.named"' EXIT
cat >"$lines"
titles='{}'
for code in $(jq -r '.crashes[].title | select(test("^stop 0x[0-9a-fA-F]{8}$")) | ltrimstr("stop ")' "$lines" | sort -u); do
  found=$(printf '*** STOP: %s (0x0,0x0,0x0,0x0)\n' "$code" | labctl-judge scan --json -) || [ $? -eq 1 ]
  titles=$(jq -n --argjson titles "$titles" --argjson found "$found" --arg code "$code" '$titles + {"stop \($code)": $found.findings[0].title}')
done
jq -c --argjson titles "$titles" '.crashes |= map(.title = ($titles[.title] // .title))' "$lines" >"$lines.named"
cat "$lines.named" # all of them or none
