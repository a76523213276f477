#!/usr/bin/env python3
"""An images/ in the current folder is somebody's checkout, and its recipes are programs: they are not taken."""

import json
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
    done = subprocess.run([LABCTL, "image", "list"], cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "LABCTL_CACHE": folder + "/cache"})
said = done.stdout + done.stderr
if done.returncode != 0 or "debian-12-linux-6.1" not in done.stdout:
    sys.exit(f"labctl's own recipes are not listed: {said!r}")
if "planted" in said:
    sys.exit(f"recipes of the current folder are read: {said!r}")

# Where each recipe comes from is shown, also of one that takes the place of labctl's own.
with tempfile.TemporaryDirectory() as folder:
    for name in ("mine", "debian-12-linux-6.12"):
        shutil.copytree(ROOT / "images" / "debian-12-linux-6.12", pathlib.Path(folder) / "own" / name)
    environment = {**os.environ, "LABCTL_CACHE": folder + "/cache", "LABCTL_IMAGES": folder + "/own"}
    shown = [subprocess.run([LABCTL, "image", "list", *more], capture_output=True, text=True, timeout=300, env=environment).stdout
             for more in ([], ["--json"])]
origins = {image["name"]: (image["origin"], image["folder"]) for image in json.loads(shown[1])["images"]}
lines = {line.split("\t")[0]: line.split("\t")[-1] for line in shown[0].splitlines()}
for name in ("mine", "debian-12-linux-6.12"):
    if origins.get(name) != ("LABCTL_IMAGES", f"{folder}/own/{name}") or lines.get(name) != f"of {folder}/own/{name} (LABCTL_IMAGES)":
        sys.exit(f"{name} does not say that it is of LABCTL_IMAGES: {origins.get(name)} {lines.get(name)!r}")
if origins.get("debian-12-linux-6.1", ("",))[0] != "built in" or lines.get("debian-12-linux-6.1") != "built in":
    sys.exit(f"labctl's own recipe does not say so: {origins} {lines}")

# Without any of the three variables no cache is guessed in a folder that users share.
bare = {name: value for name, value in os.environ.items() if name not in ("LABCTL_CACHE", "XDG_CACHE_HOME", "HOME")}
for verb in (["image", "list"], ["gc"], ["doctor"]):
    done = subprocess.run([LABCTL, *verb], capture_output=True, text=True, timeout=300, env=bare)
    if done.returncode != 2 or "HOME are not set" not in done.stderr or "export LABCTL_CACHE=" not in done.stderr:
        sys.exit(f"without HOME {verb} says: {done.returncode} {done.stdout!r} {done.stderr!r}")
print("recipes of the current folder are not read")
