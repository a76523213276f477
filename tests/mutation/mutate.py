#!/usr/bin/env python3
"""Turns off one rule of the judge or of a cell's life after the other (rules.py) and shows that a test notices. By hand: a rule
takes its object, a link and a room's tests until the first that fails, some ten seconds; the unit tests only see that every rule
is still there to be turned off.

  mutate.py                     all rules, in a copy of this tree
  mutate.py --rule TEXT         the rules whose sentence has TEXT in it; may be repeated
  mutate.py --file TEXT         the rules in files whose path has TEXT in it
  mutate.py --work DIR          where the copy and its build are (default: build/mutation)
  mutate.py --check             does every rule stand in its file exactly once?

Prints a table; exits with 1 when a rule could be turned off and no test noticed.
"""
import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = {"attacks": "attest/attacks.py", "ring_attacks": "rings/rings_test.py"}
FALLBACK = ["cell"]  # for headers of the cell room
MOST_MEMORY = 4 << 30  # what a rule was there to stop may be endless


def misplaced():
    """Rules whose text does not stand in its file exactly once, and sentences that stand twice."""
    texts = {file: (ROOT / file).read_text() for file in {rule[1] for rule in rules.RULES}}
    wrong = [f"{sentence}: its text stands {texts[file].count(old)} times in {file}"
             for sentence, file, old, new in rules.RULES if texts[file].count(old) != 1]
    sentences = [rule[0] for rule in rules.RULES]
    wrong += [f"{sentence}: is implied, and is no rule" for sentence in rules.IMPLIED if sentence not in sentences]
    return wrong + [f"{sentence}: stands twice" for sentence in set(sentences) if sentences.count(sentence) > 1]


def copy_tree(work):
    """Only what has changed, so that a second run builds little."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, work / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        if name == "CMakeLists.txt":  # a rule turned off leaves variables that nobody uses
            data = data.replace(b"-Werror", b"-w")
        if not target.exists() or target.read_bytes() != data:
            target.write_bytes(data)
            target.chmod(source.stat().st_mode)


def build(work, *targets):
    return subprocess.run(["cmake", "--build", str(work / "build"), "--target", *targets], capture_output=True, text=True)


def run(program, part):
    """The first test that fails, as Catch calls it; nothing when none does."""
    words = ["--filenames-as-tags", f"[#{part}]"] if part else []
    try:
        done = subprocess.run([str(program), "--abort", *words], capture_output=True, text=True, errors="replace", timeout=600,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)))
    except subprocess.TimeoutExpired:
        return "it did not end"
    if done.returncode == 0:
        return ""
    lines = done.stdout.splitlines()
    rulers = [i for i, line in enumerate(lines) if line.startswith("-----")]
    return " / ".join(line.strip() for line in lines[rulers[0] + 1:rulers[1]]) if len(rulers) > 1 else "crashed"


def attack(work, script):
    """The first way around the gate that is open, as the script calls it."""
    programs = [str(work / "build" / place) for place in ("bin/labctl", "tests/make_bundle")]
    done = subprocess.run([sys.executable, str(work / "tests" / script), *programs], capture_output=True, text=True, errors="replace")
    told = [line for line in (done.stdout + done.stderr).splitlines() if "FAILED" in line]
    return "" if done.returncode == 0 else (told or ["crashed"])[0][:150]


def noticed_by(work, tests):
    """Which test program notices, and by what; built one after the other, because the first mostly does."""
    for test in tests:
        room, _, part = test.partition("/")
        built = build(work, *(["labctl", "make_bundle"] if room in SCRIPTS else [f"test_{room}"]))
        if built.returncode != 0:
            errors = [line.split("error:")[-1].strip() for line in built.stdout.splitlines() if "error:" in line]
            return "DOES NOT BUILD: " + (errors or ["?"])[0]
        title = attack(work, SCRIPTS[room]) if room in SCRIPTS else run(work / "build" / "tests" / f"test_{room}", part)
        if title:
            return f"{test}: {title}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--rule", action="append", default=[])
    parser.add_argument("--file", default="")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "mutation")
    args = parser.parse_args()
    wrong = misplaced()
    print("\n".join(wrong), file=sys.stderr)
    if wrong or args.check:
        return 1 if wrong else 0

    work = args.work.resolve()
    copy_tree(work)
    chosen = [rule for rule in rules.RULES if args.file in rule[1] and (not args.rule or any(text in rule[0] for text in args.rule))]
    everything = sorted({test for rule in chosen for test in rules.TESTS.get(rule[1], FALLBACK)})
    linker = ["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"] if shutil.which("ld.lld") else []
    subprocess.run(["cmake", "-S", str(work), "-B", str(work / "build"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1",
                    *linker], check=True, stdout=subprocess.DEVNULL)
    if wrong := noticed_by(work, everything):
        sys.exit("mutate: with every rule in its place: " + wrong)
    holes = implied = 0
    for sentence, file, old, new in chosen:
        tests = rules.TESTS.get(file, FALLBACK)
        path = work / file
        whole = path.read_text()
        path.write_text(whole.replace(old, new))
        seen = noticed_by(work, tests) or ("implied: " + rules.IMPLIED[sentence] if sentence in rules.IMPLIED else "NO TEST NOTICED")
        implied += seen.startswith("implied")
        holes += seen.startswith(("NO TEST", "DOES NOT"))
        path.write_text(whole)
        print(f"{sentence:<75} {seen}", flush=True)
    print(f"{len(chosen)} rules turned off, {len(chosen) - holes - implied} noticed, {implied} implied by others")
    return 1 if holes else 0


if __name__ == "__main__":
    os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    sys.exit(main())
