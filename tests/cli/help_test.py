#!/usr/bin/env python3
"""--help: each verb has its own examples and exit codes, they are those of the reference, and a mistyped verb is a mistake."""

import pathlib
import re
import shlex
import subprocess
import sys

LABCTL = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUPS = ["Run and judge", "Images", "Crashes", "History", "Upkeep"]
TEXTS = ["report", "completion", "man"]  # their results are texts; every other verb has --json
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def labctl(*words):
    done = subprocess.run([LABCTL, *words], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def sections(text):
    """The help by its headings; what a heading has is indented."""
    found, name = {}, None
    for line in text.split("\n"):
        if re.fullmatch(r"[A-Z][^:]*:", line):
            name = line[:-1]
            found[name] = []
        elif line.startswith("  ") and name:
            found[name].append(line)
        elif not line:
            name = None
    return found


def names(lines):
    return [line.split()[0] for line in lines if re.match(r"  [a-z]", line)]


def documented():
    """docs/reference/commands.md: verb -> its exit codes. Bad usage is 2 everywhere."""
    text = (ROOT / "docs/reference/commands.md").read_text().split("## Exit codes")[1].split("\n## ")[0]
    first, second = text.split("| verb |")
    codes = {verb: {int(code) for code in re.findall(r"^\| (\d+) \|", first, re.M)} for verb in ("run", "judge", "merge", "shard run")}
    rows = ("| verb |" + second).split("\n")
    columns = [int(cell) for cell in rows[0].split("|")[2:-1]]
    for row in rows[2:]:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if len(cells) == len(columns) + 1:
            own = {int(code) for code in re.findall(r"\*\*(\d+)\*\*: ", row)}  # of one verb alone: no column for it
            for verb in re.findall(r"`([a-z -]+)`", cells[0].replace(" ...", "")):
                codes[verb] = {code for code, cell in zip(columns, cells[1:]) if cell} | {2} | own
    return codes


def mistakes():
    for words, meant in ((["nosuchverb", "--help"], None), (["rum", "--help"], "run"), (["--help", "rum"], "run"), (["rum"], "run"),
                         (["rum", "-h"], "run"), (["image", "buil", "--help"], "build"), (["image", "--help", "buil"], "build"),
                         (["bundle", "pac"], "pack"), (["", "--help"], None), (["Run", "--help"], "run")):
        code, out, err = labctl(*words)
        check(code == 2, f"{words} exits with {code}")
        check(out == "", f"{words} prints {out[:80]!r}")
        check("there is no verb" in err, f"{words} says {err!r}")
        check((f"did you mean '{meant}'?" in err) == (meant is not None), f"{words} says {err!r}, not {meant}")
    for words in ([], ["image"], ["bundle"], ["judge"], ["judge", "--nosuchoption"]):
        code, out, err = labctl(*words)
        check(code == 2 and out == "" and err, f"{words} exits with {code}")
    for words in (["--help"], ["image", "--help"], ["--version"], ["judge", "a-bundle", "--help"]):
        code, out, err = labctl(*words)
        check(code == 0 and out and err == "", f"{words} exits with {code}: {err!r}")


def said_of_usage():
    """A mistake in the usage of a verb: what is wrong, in the words of its help, and where the help is."""
    for words, where, message in (
            ([], "labctl", "no verb is given"),
            (["image"], "labctl image", "no verb is given"),
            (["history", "ask"], "labctl history", "there is no verb 'ask'"),
            (["verify"], "labctl verify", "ATTESTATION is required"),
            (["run", "a", "b"], "labctl run", "unexpected argument 'b'"),
            (["run", "a", "--resum=b"], "labctl run", "unknown option '--resum'\n  hint: did you mean '--resume'?"),
            (["gc", "--nosuch", "x"], "labctl gc", "unknown option '--nosuch'"),
            (["run", "a", "--out"], "labctl run", "--out requires a value"),
            (["run", "--only", "a", "--resume", "b"], "labctl run", "--only and --resume cannot be given together"),
            (["run", "a", "--jobs", "0"], "labctl run", "--jobs: '0' is not a number from 1 to 1000"),
            (["run", "a", "--jobs", "1001"], "labctl run", "--jobs: '1001' is not a number from 1 to 1000"),
            (["run", "a", "--jobs", "many"], "labctl run", "--jobs: 'many' is not a number from 1 to 1000"),
            (["run", "a", "--jobs", "1.5"], "labctl run", "--jobs: '1.5' is not a number"),
            (["run", "a", "--keep", "al"], "labctl run", "--keep: 'al' is not one of failed, all, none\n  hint: did you mean 'all'?"),
            (["completion", "tcsh"], "labctl completion", "WHAT: 'tcsh' is not one of bash, zsh, fish, images, cells")):
        code, out, err = labctl(*words)
        wanted = f"{where}: {message}\nrun '{where} --help' for its {'verbs' if 'verb' in message else 'options and examples'}\n"
        check((code, out, err) == (2, "", wanted), f"{words}: {err!r}")


def verb(name, others, codes):
    code, out, err = labctl(*name.split(), "--help")
    parts = sections(out)
    check(code == 0 and err == "", f"{name} --help exits with {code}")
    check(out.count("Exit codes") == 1 and "First steps" not in out, f"{name} --help has more than its own")
    examples = [line.strip() for line in parts.get("Examples", [])]
    check(examples, f"{name} --help has no examples")
    options = set(re.findall(r"--[a-z][a-z-]*", "\n".join(parts.get("Options", []))))
    check(("--json" in options) == (name not in TEXTS), f"{name} {'has no' if name not in TEXTS else 'has'} --json")
    for example in examples:
        command = example.split(" | ")[-1]
        check(f"{command} ".startswith(f"labctl {name} "), f"{name} --help has an example of another: {example}")
        for word in shlex.split(command):
            check(not word.startswith("--") or word in options, f"{name} has no option {word}")
    below = "\n".join(examples + parts.get("Exit codes", []))  # an option may say which verb made its file
    for other in others:
        check(not re.search(rf"labctl {other}\b", below), f"{name} --help speaks of labctl {other}")
    said = {int(line.split()[0]) for line in parts.get("Exit codes", [])}
    expected = codes.get(name, codes.get(name.split()[0]))
    check(expected is not None, f"docs/reference/commands.md has no exit codes of {name}")
    if name.startswith("image "):  # one row for all of them
        check({0, 2} <= said <= expected, f"{name} --help has {said}, the reference {expected}")
    else:
        check(said == expected, f"{name} --help has {said}, the reference {expected}")


def all_verbs():
    code, out, err = labctl("--help")
    parts = sections(out)
    order = [heading for heading in parts if heading in GROUPS]
    check(order == GROUPS, f"the groups are {order}")
    check("Subcommands" not in parts, "a verb has no group")
    check("Exit codes" not in parts, "the general help has exit codes of some verb")
    check(all(len(line) <= 120 for line in out.split("\n")), "the general help is too wide")
    verbs = []
    for group in order:
        for name in names(parts[group]):
            below = sections(labctl(name, "--help")[1]).get("Subcommands")
            verbs += [f"{name} {each}" for each in names(below)] if below else [name]
    return verbs


mistakes()
said_of_usage()
codes = documented()
verbs = all_verbs()
check(len(verbs) >= 21, f"only {len(verbs)} verbs: {verbs}")
for name in verbs:
    verb(name, [other for other in verbs if other != name], codes)
for name in codes:
    check(any(each == name or each.split()[0] == name for each in verbs), f"the reference has exit codes of {name}, which is no verb")

print("\n".join(failures) or f"the help of {len(verbs)} verbs is as it should be")
sys.exit(bool(failures))
