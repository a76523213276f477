#!/usr/bin/env bash
# The main job on real guests, from a fresh Debian 12 to a verdict: installs what is missing, builds labctl, two guest
# images and the sample candidate, then runs scenarios/quickstart.yaml. Can be run again: what is there is not done twice.
#
#   scenarios/quickstart.sh [labctl run's options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

began=$SECONDS
part() { printf '\n==> %s  (%dm%02ds so far)\n' "$*" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)); }

part "1/5 packages"
tests/packages.sh run

part "2/5 labctl"
cmake --preset release >build.log 2>&1 || { cat build.log >&2; exit 3; }
rm -f build.log
cmake --build --preset release --target labctl
labctl=build/release/bin/labctl

images=(debian-12-linux-6.1 debian-12-linux-6.12)
part "3/5 images: ${images[*]}"
built=$(scenarios/images.sh "${images[@]}")
mapfile -t kernels < <(sed -n 's/.*\tkernel //p' <<<"$built")

part "4/5 the sample candidate, for the images' kernels"
scenarios/sensor/build.sh --out build/sensor "${kernels[@]}"

part "5/5 $labctl run scenarios/quickstart.yaml $*"
status=0
"$labctl" run scenarios/quickstart.yaml "$@" || status=$?
part "done, exit code $status"
[[ $status != 0 ]] || echo "next: $labctl run scenarios/quickstart-blocked.yaml"
exit "$status"
