#!/usr/bin/env python3
"""An images/ in the current folder is somebody's checkout, and its recipes are programs: they are not taken."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LABCTL = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]

with tempfile.TemporaryDirectory() as folder:
    shutil.copytree(ROOT / "images" / "debian-12-linux-6.12", pathlib.Path(folder) / "images" / "planted")
    done = subprocess.run([LABCTL, "image", "list"], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "LABCTL_CACHE": folder + "/cache"})
said = done.stdout + done.stderr
if done.returncode != 0 or "debian-12-linux-6.1" not in done.stdout:
    sys.exit(f"labctl's own recipes are not listed: {said!r}")
if "planted" in said:
    sys.exit(f"recipes of the current folder are read: {said!r}")

# Without any of the three variables no cache is guessed in a folder that users share.
bare = {name: value for name, value in os.environ.items() if name not in ("LABCTL_CACHE", "XDG_CACHE_HOME", "HOME")}
for verb in (["image", "list"], ["gc"], ["doctor"]):
    done = subprocess.run([LABCTL, *verb], capture_output=True, text=True, timeout=60, env=bare)
    if done.returncode != 2 or "HOME are not set" not in done.stderr or "export LABCTL_CACHE=" not in done.stderr:
        sys.exit(f"without HOME {verb} says: {done.returncode} {done.stdout!r} {done.stderr!r}")
print("recipes of the current folder are not read")
