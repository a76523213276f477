#!/usr/bin/env python3
"""What stands in a file's name, a log or a bundle reaches neither a terminal nor a pipeline as a command."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

LABCTL = os.path.abspath(sys.argv[1])
EVIL = "x\x1b[2J\n::error::owned\n##vso[task.complete]"


def run(folder, *words):
    environment = {**os.environ, "LABCTL_CACHE": str(folder / "cache")}
    done = subprocess.run([LABCTL, *words], cwd=folder, capture_output=True, timeout=300, env=environment)
    return done.stdout, done.stderr


def check(said, what):
    for line in said.split(b"\n"):
        if line.lstrip().startswith(b"::") or b"##vso[" in line or b"\x1b" in line:
            sys.exit(f"{what}: {line!r} reaches the terminal")


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for words in (["judge", EVIL], ["show", EVIL], ["scan", EVIL], ["validate", EVIL], ["bundle", "unpack", EVIL], ["image", "verify", EVIL]):
        out, err = run(folder, *words)
        check(out + err, words[:-1])
        if b"owned" not in out + err:
            sys.exit(f"{words[:-1]} does not say what was wrong: {out + err!r}")
    bundle = folder / "bundle"
    bundle.mkdir()
    (bundle / "run.json").write_text(json.dumps({"labctl": 2, "tool": EVIL}))
    for verb in ("judge", "show"):
        check(b"".join(run(folder, verb, "bundle")), "a bundle's tool")
    log = "[ 1.0] Oops: general protection fault ##vso[x] 0000 [#1] SMP\n[ 1.0] RIP: 0010:f\x1b[2J+0x1/0x2 [evil]\n"
    (folder / "log").write_text(log)
    check(b"".join(run(folder, "scan", "log")), "a log")
    out, _ = run(folder, "scan", "log", "--json")
    check(out, "a log as JSON")
    json.loads(out)
print("what others wrote does nothing to the terminal")
