#!/usr/bin/env python3
"""Completion and manual pages say what --help says, and the shells read them.

usage: completion_test.py LABCTL MAKE_BUNDLE
"""
import functools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

LABCTL, MAKE_BUNDLE = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
REQUIRED = os.environ.get("LABCTL_NO_SKIPS") == "1"
failures = []
FORMATS = {"html", "junit", "md", "json", "ctrf", "github", "sarif", "kcidb", "otlp"}


def check(good, what):
    if not good:
        failures.append(what)


def check_same(what, got, wanted):
    check(got == wanted, f"{what}: too many {sorted(got - wanted)}, missing {sorted(wanted - got)}")


def output(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, **more)
    if done.returncode:
        failures.append(f"{words[:3]} exits with {done.returncode}: {done.stderr[:500]}")
    return done.stdout


@functools.cache  # each is asked for several times, and beside a sanitizer every start takes its time
def help_of(*verb):
    return output(LABCTL, *verb, "--help")


def helped(*verb):
    """What --help lists: the verbs, or the long options of one verb."""
    text = help_of(*verb)
    return text, re.findall(r"^  (?:-[a-z],)?(--[a-z0-9-]+)", text, re.M)


def verbs():
    top, found = help_of(), []
    for name in re.findall(r"^  ([a-z][a-z-]*)  ", top.split("First steps")[0], re.M):
        text = help_of(name)
        below = text.partition("Subcommands:")[2].split("\n\n")[0]
        found += [f"{name} {sub}" for sub in re.findall(r"^  ([a-z-]+)  ", below, re.M)] or [name]
    return found


BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_labctl
printf '%s\n' "${COMPREPLY[@]}"
"""


def bash(script, *words, **more):
    return set(output("bash", "--norc", "-c", BASH, "bash", script, LABCTL, *words, **more).split())


def fish(script, line, **more):
    return {row.split("\t")[0] for row in output("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'", **more).splitlines()}


def zsh(script, line, offered, **more):
    """Types the line into an interactive zsh and asks for the list, until all that is to be offered has come, or a minute has passed."""
    program = f"""
zmodload zsh/zpty
zpty shell zsh -f -i
typed() {{ zpty -w shell "$1"; }}
typed "PROMPT=; autoload -U compinit; compinit -u -D; zstyle ':completion:*' list-prompt ''; LISTMAX=1000; PATH={LABCTL.parent}:$PATH"
typed "source {script}; print READY"
zpty -r -m shell text '*READY*READY*'
zpty -n -w shell '{line}'$'\\t\\t'
complete() {{ for word in {shlex.join(offered)}; do [[ $text == *$word* ]] || return 1; done }}
for _ in {{1..600}}; do sleep 0.1; while zpty -r -t shell more; do text+=$more; done; complete && break; done
print -r -- "$text"
"""
    return output("zsh", "-f", "-c", program, **more)


def have(shell):
    if shutil.which(shell):
        return True
    check(not REQUIRED, f"{shell} is not installed")
    print(f"{shell} is not installed: its completion is not tested")
    return False


def main():
    all_verbs = verbs()
    check(len(all_verbs) > 15, f"--help lists {all_verbs}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        bundle = output(MAKE_BUNDLE, folder, "passed").strip()
        (folder / "gate.yaml").write_text("")
        (folder / "notes.txt").write_text("")
        # Manual pages.
        output(LABCTL, "man", "--out", folder / "man")
        pages = {page.stem: page.read_text().replace("\\-", "-") for page in (folder / "man").iterdir()}
        check_same("the pages", set(pages), {"labctl", *("labctl-" + verb.replace(" ", "-") for verb in all_verbs)})
        for verb in all_verbs:
            text, options = helped(*verb.split())
            page = pages.get("labctl-" + verb.replace(" ", "-"), "")
            check({*re.findall(r"\\fB(--[a-z0-9-]+)", page)} == set(options), f"the page of {verb} has other options than --help")
            for line in text.partition("Examples:\n")[2].split("\n\n")[0].splitlines():
                check(line.strip() in page.replace("\\e", "\\"), f"the page of {verb} lacks the example {line.strip()}")
        if shutil.which("groff"):
            for page in (folder / "man").iterdir():
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(page)], capture_output=True, text=True)
                check(not done.stderr and not done.returncode, f"{page.name}: {done.stderr[:300]}")
        # What the scripts ask for.
        cells = output(LABCTL, "completion", "cells", bundle).split()
        check(len(cells) > 1 and any("control" in cell for cell in cells), f"cells: {cells}")
        environment = {**os.environ, "LABCTL_CACHE": str(folder / "cache")}
        images = output(LABCTL, "completion", "images", env=environment).split()
        check("debian-12-linux-6.12" in images, f"images: {images}")
        where = {"cwd": folder, "env": environment}

        script = folder / "completion.bash"
        script.write_text(output(LABCTL, "completion", "bash"))
        top = {verb.split()[0] for verb in all_verbs}
        check(bash(script, "", **where) == top | {"--help", "--version"}, "bash: the verbs")
        check(bash(script, "image", "", **where) == {verb.split()[1] for verb in all_verbs if verb.startswith("image ")}, "bash: image")
        for verb in all_verbs:
            options = set(helped(*verb.split())[1])
            check(bash(script, *verb.split(), "--", **where) == options, f"bash: the options of {verb}")
        for words, offered in ((["reproduce", bundle, ""], set(cells)), (["reproduce", "--accel", "tcg", bundle, ""], set(cells)),
                               (["image", "build", "debian-1"], {image for image in images if image.startswith("debian-1")}),
                               (["image", "rm", "debian-13", "windows-1"], {"windows-11"}),
                               (["report", "--format", ""], FORMATS), (["run", "g"], {"gate.yaml"}),
                               (["run", "n"], set()), (["run", "--waivers", "n"], {"notes.txt"}), (["verify", "no"], {"notes.txt"})):
            check(bash(script, *words, **where) == offered, f"bash: {words}: {bash(script, *words, **where)}")

        if have("fish"):
            script = folder / "labctl.fish"
            script.write_text(output(LABCTL, "completion", "fish"))
            path = {**where, "env": {**environment, "PATH": f"{LABCTL.parent}:{os.environ['PATH']}", "HOME": str(folder)}}
            check_same("fish: the verbs", fish(script, "labctl ", **path), top)
            check(fish(script, "labctl report --format ", **path) == FORMATS, "fish: --format")
            check(set(images) <= fish(script, "labctl image build ", **path), "fish: images")
            check(set(cells) <= fish(script, f"labctl reproduce {bundle} ", **path), "fish: cells")
            for verb in all_verbs:
                options = set(helped(*verb.split())[1]) - {"--help"}
                check_same(f"fish: the options of {verb}", {word for word in fish(script, f"labctl {verb} --", **path) if word.startswith("--")}, options)
        if have("zsh"):
            script = folder / "_labctl"
            script.write_text(output(LABCTL, "completion", "zsh"))
            output("zsh", "-n", script)
            where["env"]["HOME"] = str(folder)
            for line, offered in (("labctl ", top), ("labctl image ", {"build", "list"}), ("labctl report --format ", {"html", "junit"}),
                                  ("labctl image build ", {"debian-13", "windows-11"}), (f"labctl reproduce {bundle} ", cells)):
                shown = zsh(script, line, sorted(offered), **where)
                check(all(word in shown for word in offered), f"zsh: '{line}' lacks {[word for word in offered if word not in shown]}: {shown[-600:]!r}")
    print("\n".join(failures) or f"{len(all_verbs)} verbs: completion and manual pages say what --help says")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
