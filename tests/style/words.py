#!/usr/bin/env python3
"""The repository speaks of the product alone: no paths of the machines it was made on, no hosts it was built from."""

import pathlib
import re
import subprocess
import sys

WORDS = [
    (re.compile(rb"(?<![\w.$}\"/-])(/wor" rb"k/|/var/tmp/" rb"w/|/home/[a-z]+/|/root/[a-z.]+/)|\"/wor" rb"k/"), "a path of a build machine"),
    (re.compile(rb"\b(deb\.debian" rb"\.org|security\.debian" rb"\.org|archive\.ubuntu" rb"\.com|pypi\.or" rb"g|pythonhosted\.or" rb"g"
                rb"|registry\.npmjs\.or" rb"g|crates\.i" rb"o|proxy\.golang\.or" rb"g)\b"), "the name of a registry's host"),
    (re.compile(rb"^(<{7}|>{7}) ", re.M), "a merge conflict"),
    (re.compile(rb"BEGIN [A-Z ]*PRIVATE" rb" KEY"), "a private key"),
]
# Recorded consoles are evidence, byte for byte.
EXCEPT = ("tests/crash/",)


def mistakes(name, content):
    return [f"{name}:{content.count(bytes([10]), 0, hit.start()) + 1}: {what}: {hit.group().decode(errors='replace')!r}"
            for pattern, what in WORDS for hit in pattern.finditer(content)]


def tracked(root):
    try:
        listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"], check=True,
                                capture_output=True).stdout
        return [name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # an archive without its history
        return [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and "/build" not in str(p)]


def self_test():
    bad = [b"cd /wor" b"k/main\n", b"x /var/tmp/" b"w/y", b"http://deb.debian" b".org/debian", b"see pypi.or" b"g.",
           b"<<<<<<" b"< HEAD\n", b"-----BEGIN PRIVATE" b" KEY-----", b"at /home/" b"someone/x"]
    good = [b"/var/lib/labctl/works/x and /home page\n", b"debian.org is a project\n", b"a << 7\n", b"frameworks/x"]
    return ([f"not found: {text!r}" for text in bad if not mistakes("x", text)] +
            [f"wrongly found: {text!r}" for text in good if mistakes("x", text)])


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        problems = self_test()
    else:
        root = pathlib.Path(__file__).resolve().parents[2]
        names = tracked(root)
        problems = [] if names else ["no files to look at"]
        for name in names:
            path = root / name
            if path.is_file() and not path.is_symlink() and not name.startswith(EXCEPT):
                problems += mistakes(name, path.read_bytes())
    print("\n".join(problems) or "the repository speaks of the product alone")
    sys.exit(bool(problems))
