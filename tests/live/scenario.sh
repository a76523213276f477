#!/usr/bin/env bash
# Runs a scenario on real guests and compares what a pipeline would see: the exit code, the verdict, what judge says again.
#
#   scenario.sh LABCTL EXIT_CODE TEXT SCENARIO [FOLDER]    TEXT must stand in what run prints on stdout
#
# The bundle is left in FOLDER, which is emptied first.
set -euo pipefail
labctl=$1 wanted=$2 text=$3 scenario=$4
if [[ $# -gt 4 ]]; then
  out=$5
  rm -rf "$out"
  mkdir -p "$out"
else
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi

"$labctl" keygen "$out/key" >/dev/null
code=0
printed=$("$labctl" run "$scenario" --out "$out" --sign "$out/key") || code=$?
printf '%s\n' "$printed"
[[ $code == "$wanted" ]] || { echo "FAILED: exit code $code, not $wanted"; exit 1; }
grep -qF -- "$text" <<<"$printed" || { echo "FAILED: '$text' is not said"; exit 1; }
bundle=$(sed -n 's/^bundle: //p' <<<"$printed")
again=0
"$labctl" judge --json "$bundle" >"$out/again.json" || again=$?
[[ $again == "$wanted" ]] || { echo "FAILED: judge exits with $again"; exit 1; }
cmp "$out/again.json" "$bundle/verdict.json" || { echo "FAILED: judge says something else"; exit 1; }

# The signed verdict opens publishing when the run passed, and only then.
mapfile -t artifacts < <(jq -r '.artefacts[].path' "$bundle/run.json")
verified=0
(cd "$(dirname "$scenario")" && "$labctl" verify "$bundle/attestation.json" --key "$out/key.pub" --max-age 1h \
  --scenario "$(basename "$scenario")" --artifact "${artifacts[@]}") || verified=$?
[[ $verified == "$wanted" ]] || { echo "FAILED: verify exits with $verified"; exit 1; }
