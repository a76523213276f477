#!/usr/bin/env python3
"""The stand-in's installation knows what labctl's says: every setting of the answer files, every line of setup.ps1. So neither can
change without the other, though installations are run by hand (tests/live/install.py). And it refuses what is broken. No guest."""
import pathlib
import re
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
standin, images = here / "nt-standin", here.parents[1] / "images"
BROKEN = {  # of an answer file: what is written otherwise, and what is said of it
    "</TimeZone>": ("</Zone>", "<TimeZone> ends as </Zone>"),
    "</settings>": ("", "there is no setting windowsPE/specialize/"),
    "<AcceptEula>true</AcceptEula>": ("<AcceptEulas>true</AcceptEulas>", "there is no setting windowsPE/Microsoft-Windows-Setup/UserData/AcceptEulas"),
    'pass="specialize"': ('pass="specialise"', "there is no setting specialise/"),
    "urn:schemas-microsoft-com:unattend": ("urn:another", "unattend is not Microsoft's"),
    'processorArchitecture="amd64"': ('processorArchitecture="arm64"', "is not for amd64"),
    "&amp;": ("&", "is no text"),
    "</unattend>": ("</unattend><more/>", "something follows its end"),
}


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-O1", "-static",
                        "-o", work / "standin", *sorted(standin.glob("*.c"))], check=True)

        def read(text):
            (work / "autounattend.xml").write_text(text)
            return subprocess.run([work / "standin", work / "autounattend.xml"], capture_output=True, text=True, check=False)

        for recipe in ("windows-server-2022", "windows-server-2025", "windows-11"):
            text = subprocess.run([images / "windows/build", "--answers", images / recipe], capture_output=True, text=True, check=True).stdout
            told = read(text)
            if told.returncode:
                wrong.append(f"the answer file of {recipe}: {told.stdout}")
        for part, (otherwise, reason) in BROKEN.items():
            told = read(text.replace(part, otherwise))
            if part not in text or told.returncode != 1 or reason not in told.stdout:
                wrong.append(f"'{otherwise}' for '{part}': {told.stdout}")
    table = (standin / "first_logon.c").read_text()
    known = [begin.encode().decode("unicode_escape") for begin in re.findall(r'^    \{"((?:[^"\\]|\\.)*)",', table, re.M)]
    for line in (images / "windows/setup.ps1").read_text().splitlines():
        if line.strip() and not any(line.strip().startswith(begin) for begin in known):
            wrong.append(f"setup.ps1: nobody knows '{line.strip()}'")
    for begin in known:
        if begin not in (images / "windows/setup.ps1").read_text():
            wrong.append(f"setup.ps1 has no '{begin}'")
    for each in wrong:
        print("WRONG", each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
