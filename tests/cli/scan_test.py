#!/usr/bin/env python3
"""What `labctl scan` says of a file that is no log, and that a log's first bytes do not hide the crash behind them."""

import gzip
import pathlib
import subprocess
import sys

LABCTL = sys.argv[1]
CRASH = (pathlib.Path(__file__).resolve().parents[1] / "crash/linux").glob("*oops*")
failures = []


def scan(data):
    done = subprocess.run([LABCTL, "scan", "-"], input=data, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(what, data, code, words):
    got, out, err = scan(data)
    if got != code or words not in out + err:
        failures.append(f"{what}: exit {got} instead of {code}: {out!r} {err!r}")


crash = next(path for path in sorted(CRASH) if path.is_file()).read_bytes()
expect("nothing", b"", 2, "standard input: is empty")
expect("a gzip archive", gzip.compress(crash), 2, "a gzip archive")
expect("a program", pathlib.Path(LABCTL).read_bytes(), 2, "an ELF file")
expect("a program that holds a header", b"\x7fELF\0\0\n[    1.0] BUG: unable to handle page fault for address: 0\n", 2, "an ELF file")
expect("a healthy log", b"[    0.000000] Linux version 6.1\n", 0, "")
expect("a crash", crash, 1, "")
for magic in (b"BZh", b"%PDF-", b"\x7fELF", b"LPKSHHRH", b"KDUMP   ", b"\x1f\x8b\x08"):
    expect(f"a crash behind {magic!r}", magic + b"\n" + crash, 1, "")

print("\n".join(failures) or "as it should be")
sys.exit(bool(failures))
