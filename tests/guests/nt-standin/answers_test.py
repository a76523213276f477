#!/usr/bin/env python3
"""The stand-in's half of the agreement in COMMANDS: it knows every command there, ends as is written there, and its answers have
the same keys. Runs the stand-in's program on this host, in a folder; no guest. Exit 77 (skipped) where that is not allowed."""
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

here = pathlib.Path(__file__).resolve().parent
# Only a guest has a CD; the stand-in has the tool that the agreement's guest lacks, and dies of it; and here no driver runs for
# longer than one question.
elsewhere = {"deliver", "stage-panic", "unload-filter", "load-filter"}


def agreement():
    for name, command, status, answer in re.findall(r"^=== (\S+)\n(.*?)^--- exit (\d+)\n(.*?)(?=^=== |\Z)",
                                                    (here / "COMMANDS").read_text(), re.M | re.S):
        yield name, command, int(status), answer


def keys(text):
    return [line.split("=")[0] for line in text.splitlines() if re.match(r"^\w[\w.]*=", line)]


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        program = work / "answer"
        subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-O1", "-static",
                        "-o", program, *sorted(here.glob("*.c"))], check=True)
        if subprocess.run(["unshare", "-r", "true"], capture_output=True).returncode:
            print("skipped: user namespaces are not allowed here")
            return 77

        def ask(root, command):
            return subprocess.run(["unshare", "-r", program], cwd=root, input=command.encode(), capture_output=True)

        commands = {name: rest for name, *rest in agreement()}
        assert len(commands) > 15, "the agreement cannot be read"
        for name, (command, status, answer) in commands.items():
            if name in elsewhere:
                continue
            root = work / name
            payload = root / "c" / "ProgramData" / "labctl" / "payload"
            payload.mkdir(parents=True)
            for path in set(re.findall(r"^\$(?:package|file) = '.*\\(.*)'$", command, re.M)):
                (payload / path).write_text("NT-STANDIN DRIVER\ntrouble=healthy\n")
            if "inf" in name:
                with zipfile.ZipFile(payload / "driver.zip", "w") as package:
                    for file in ("sensor.inf", "sensor.sys", "test.cer", "sensor.cer"):
                        package.writestr(file, "NT-STANDIN DRIVER\n")
            kind = name.partition("-")[2]
            if name.startswith(("loaded-", "remove-")):
                before = "install-msi" if kind == "script" else "install-" + kind
                if "inf" not in name:
                    for path in re.findall(r"^\$package = '.*\\(.*)'$", commands[before][0], re.M):
                        (payload / path).write_text("NT-STANDIN DRIVER\n")
                assert ask(root, commands[before][0]).returncode == 0
            path = re.search(r"^\$path = '(.*)'$", command, re.M)
            if name == "content-digest":
                file = root / "c" / path[1][3:].replace("\\", "/")
                file.parent.mkdir(parents=True)
                file.write_text("content")
            said = ask(root, command)
            text = said.stdout.decode()
            if b"does not know" in said.stderr and kind != "script" and name not in ("own", "apply"):
                wrong.append(f"{name}: not known")
            elif b"does not know" not in said.stderr and said.returncode != status:
                wrong.append(f"{name}: exit {said.returncode}, not {status}: {text}{said.stderr.decode()}")
            elif set(keys(answer)) - set(keys(text)):
                wrong.append(f"{name}: says {keys(text)}, not {keys(answer)}")
        unknown = ask(work, "# labctl never-heard-of\nexit 0\n")
        if unknown.returncode == 0 or b"never-heard-of" not in unknown.stderr:
            wrong.append("a command that nobody agreed on is answered")
    for each in wrong:
        print("WRONG", each)
    print(f"{len(commands)} commands, {len(wrong)} answered otherwise than agreed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
