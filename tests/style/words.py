#!/usr/bin/env python3
"""The repository speaks of the product alone: no paths of the machines it was made on, no hosts it was built from. And it speaks as its
field does: a word that only this code used, where libvirt's and systemd's manual pages have another, does not come back."""

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
# The field's word for each is in docs/glossary.md. Keys of run.json and names of options that once were stay understood.
PRIVATE = [
    (re.compile(rb"(?<!--)\bafre" rb"sh\b|wants_afre" rb"sh"), "say 'again' or 'rerun'"),
    (re.compile(rb"\bbelie" rb"v(e|es|ed|ing)\b"), "say 'reused', 'trusted', 'verified' or 'accepted'"),
    (re.compile(rb"\b(out)?li" rb"ved\b|\blives o" rb"n\b|\blived o" rb"n\b"), "say 'ran', 'run' or 'survived'"),
    (re.compile(rb"\bmen" rb"d(s|ed|ing)?\b"), "say 'fix'"),
    (re.compile(rb"\bbreath" rb"e\b"), "say 'pump'"),
    (re.compile(rb"\bcre" rb"w\b", re.I), "say 'scheduler'"),
    (re.compile(rb"\bsurene" rb"ss\b"), "say 'confidence'"),
    (re.compile(rb"\babsur" rb"d\b"), "say 'out of range'"),
    (re.compile(rb"\bcan be mean" rb"t\b"), "say 'out of range'"),
    (re.compile(rb"\bGroun" rb"ds?\b|\bground_\b|::groun" rb"d\b"), "say 'BaseSnapshot'"),
    (re.compile(rb"(?<![\"'/#.`{_$-])\b[Aa]rtefac" rb"ts?\b(?![\"'/`_.\]])"), "write 'artifact'"),
]
# In what people read: between quotes, in sources.
SPOKEN = [
    (re.compile(rb'"[^"\n]*\b(nobod' rb'y(?! cared)|that tel' rb'ls|did not tel' rb'l|does not tel' rb'l|was tol' rb'd|killed on purpos' rb'e|'
                rb'behind i' rb't|makes no sens' rb'e| wan' rb'ts a)\b[^"\n]*"'), "name the thing, state the problem, give the next step"),
    (re.compile(rb'"[^"\n]*(?<!there )\bis no (?!longer|more than|such)[a-z][^"\n]*"'), "say 'is not a'"),
]
# In code and its comments, beside texts: names that only this code had.
NAMED = [
    (re.compile(rb"\bclass Lif" rb"e\b|\bLif" rb"e::"), "say 'CellMachine'"),
    (re.compile(rb"\bhea" rb"r(_[a-z_]+)?\("), "say 'on_event', or what is read"),
    (re.compile(rb"(?<![\w\"])starve" rb"d?_?(?=\(|\.|\)|;|,|\{| [=><*+-])|\bstarvin" rb"g\b"), "say 'cpu_wait'"),
    (re.compile(rb"\bhost::Place" rb"s\b|\bstruct Place" rb"s\b"), "say 'Paths'"),
    (re.compile(rb"\bimage::Sa" rb"y\b|\busing Sa" rb"y\b"), "say 'Progress'"),
    (re.compile(rb"\bcount_fall" rb"s\b|\blast_fal" rb"l\b|\bit fall" rb"s:"), "say 'reset'"),
    (re.compile(rb"\b(guests_faul" rb"t|still_belie" rb"ved|keep_whol" rb"e|forget_ol" rb"d|one_cras" rb"h|HeldFil" rb"e)\b|\bSupplie" rb"s\b"),
     "say 'is_guest_failure', 'is_fresh', 'publish', 'evict_expired', 'same_crash', 'PinnedFile' or 'StagedArtifacts'"),
    (re.compile(rb"\b(class|struct) (Des" rb"k|Wis" rb"h|Telle" rb"r|Attendan" rb"t)\b|\battend\("), "say 'DebugSession', 'Debugger', 'take_over' or 'compile'"),
    (re.compile(rb"\bHealth::(goo" rb"d|poo" rb"r|ba" rb"d)\b|\bcomplai" rb"n\("), "say 'ok', 'warning', 'error' or 'report_error'"),
    (re.compile(rb"(//|^ \*)[^\n]*\b(is|are|been|be|was) tol" rb"d\b(?! to| not to| by it| apart| from| in the| not to)"), "say 'reported', 'recorded' or 'given'"),
]
OURS = ("labctl/", "docs/", "reports/", "scenarios/", "README.md")
# Recorded consoles are evidence, byte for byte.
EXCEPT = ("tests/crash/",)


def mistakes(name, content):
    rules = WORDS + (PRIVATE if name.startswith(OURS) else [])
    if name.startswith("labctl/") and name.endswith((".cc", ".h")):
        rules = rules + SPOKEN + NAMED
    return [f"{name}:{content.count(bytes([10]), 0, hit.start()) + 1}: {what}: {hit.group().decode(errors='replace')!r}"
            for pattern, what in rules for hit in pattern.finditer(content)]


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
    private = [b"the control is lived afre" b"sh", b"an answer that is belie" b"ved", b"the fix that men" b"ds it", b"std::function<bool()> breath" b"e;",
               b"the cre" b"w runs cells", b"is absur" b"d", b"snapshot::Groun" b"d ground;", b"the artefac" b"ts of a cell",
               b'"the guest did not tel' b'l its taint"', b'"nobod' b'y asked for it"', b"class Telle" b"r;", b"Choice attend" b"(const Guest& guest)", b"StagedFiles Supplie" b"s;", b'"this is no disk that' b' can be read"']
    plain = [b'json["artefac' b'ts"]', b'{.old_name = "--afre' b'sh"}', b"the background and the crews' ground", b'"there is no such file"', b'"is no longer there"',
             b"a comment, nobod" b"y reads it aloud"]
    return ([f"not found: {text!r}" for text in bad if not mistakes("x", text)] +
            [f"wrongly found: {text!r}" for text in good if mistakes("x", text)] +
            [f"not found: {text!r}" for text in private if not mistakes("labctl/x.cc", text)] +
            [f"wrongly found: {text!r}" for text in plain if mistakes("labctl/x.cc", text)])


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
