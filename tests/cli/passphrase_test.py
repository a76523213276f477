#!/usr/bin/env python3
"""The key's passphrase reaches no program that labctl starts, whatever the verb, and is not left in its own environment."""

import os
import pathlib
import subprocess
import sys
import tempfile

LABCTL = os.path.abspath(sys.argv[1])
SECRET = "open-sesame-c7"
# Stands for every program: writes down what it was given, and what its parent has.
PROGRAM = """#!/bin/sh
tr '\\0' '\\n' </proc/self/environ >>"$SEEN"
tr '\\0' '\\n' </proc/$PPID/environ >>"$SEEN"
echo done >>"$SEEN"
exit 1
"""

with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    programs = folder / "bin"
    programs.mkdir()
    for program in ("readelf", "addr2line"):
        (programs / program).write_text(PROGRAM)
        (programs / program).chmod(0o755)
    (folder / "module.ko").write_bytes(b"\x7fELF")
    seen = folder / "seen"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SEEN": str(seen), "LABCTL_KEY_PASSPHRASE": SECRET}
    done = subprocess.run([LABCTL, "report", "bundle", "--format", "md", "--symbols", "module.ko"], cwd=folder, capture_output=True, text=True, timeout=300,
                          env=environment)
    text = seen.read_text() if seen.exists() else ""
    if "done" not in text:
        sys.exit(f"no program was started: {done.stdout!r} {done.stderr!r}")
    if SECRET in text:
        sys.exit("the passphrase is in the environment of a program, or still in labctl's own")
print("the passphrase reaches no program")
