"""A checkout with a candidate, a key and a played labctl, where the shell parts of pipelines are run."""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = (ROOT / "tests/bundle/release.yaml").read_text()
PIPELINES = ROOT / "docs/how-to/pipelines"

# `run` is played: a bundle without guests, signed by the real program; so are images. Everything else is the real program.
PLAYED = """#!/bin/sh
case "$1 ${2:-}" in
  "image build") shift 2; echo "$@" >>images; exit ;;
  "image list") echo '{"images": [{"name": "debian-12", "sha256": "abc"}, {"name": "other", "sha256": "def"}]}'; exit ;;
  doctor*) exit ;;
  plan*) played="@LABCTL@ plan $2 --set warnings=fail --json" ;;
  run*) played= ;;
  *) exec @LABCTL@ "$@" ;;
esac
shift
for set in driver=build/driver.deb content=build/content.bin; do
  case " $* " in *" --set $set "*) ;; *) echo "no --set $set" >&2; exit 2 ;; esac
done
[ -z "$played" ] || exec $played
key=
while [ $# -gt 0 ]; do
  case $1 in --out) out=$2 ;; --sign) key=$2 ;; esac
  shift
done
bundle=$(@MAKE_BUNDLE@ "$out" "$KIND") || exit
@LABCTL@ report "$bundle" --format md >"$bundle/summary.md"
[ -z "$key" ] || @LABCTL@ attest "$bundle" --sign "$key" || exit
echo "$bundle"
case $KIND in passed) ;; blocked) exit 1 ;; *) exit 3 ;; esac
"""


class Desk:
    def __init__(self, folder, labctl, make_bundle):
        self.path = pathlib.Path(folder)
        for name in ("bin", "build", "gate"):
            (self.path / name).mkdir()
        (self.path / "bin/labctl").write_text(PLAYED.replace("@LABCTL@", labctl).replace("@MAKE_BUNDLE@", make_bundle))
        (self.path / "bin/labctl").chmod(0o755)
        shutil.copy(PIPELINES / "publish", self.path / "gate/publish")
        (self.path / "build/driver.deb").write_bytes(b"driver")
        (self.path / "build/content.bin").write_bytes(b"content")
        (self.path / "gate/release.yaml").write_text(SCENARIO)  # as make_bundle says
        (self.path / "gate/weaker.yaml").write_text(SCENARIO + "# weaker\n")
        subprocess.run([labctl, "keygen", "gate.pem"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        shutil.move(self.path / "gate.pem.pub", self.path / "gate/gate.pub")

    def run(self, script, kind, key, shell=("sh", "-e"), **more):
        environment = {**os.environ, "PATH": f"{self.path}/bin:{os.environ['PATH']}", "KIND": kind, "GATE_KEY": key, "SCENARIO": "gate/release.yaml", "SETTINGS": "warnings=fail",
                       "DESTINATION": str(self.path / "released"), "TMPDIR": str(self.path), **more}
        return subprocess.run([*shell, "-c", script], cwd=self.path, env=environment, capture_output=True, text=True)

    def released(self):
        return sorted(p.name for p in (self.path / "released").glob("*")) if (self.path / "released").exists() else []
