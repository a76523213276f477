"""Others' validators from npm, pinned by package-lock.json, for tests of what labctl writes."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def skip(reason):
    """LABCTL_NO_SKIPS=1, as tests/run.sh sets it, makes it a failure."""
    print(f"skipped: {reason}")
    sys.exit(1 if os.environ.get("LABCTL_NO_SKIPS") == "1" else 77)


def install(folder):
    """The packages in folder/node_modules, installed once; tests side by side wait for each other."""
    if not shutil.which("npm"):
        skip("npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_text()
        if (folder / "installed").is_file() and (folder / "installed").read_text() == wanted:
            return folder
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            skip(f"npm cannot install tests/npm: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        (folder / "installed").write_text(wanted)
    return folder


def node(folder, program, *words):
    """Runs a CommonJS program that finds the packages."""
    return subprocess.run(["node", "-", *map(str, words)], input=program, cwd=folder, capture_output=True, text=True, timeout=600)
