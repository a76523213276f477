#!/usr/bin/env python3
"""Runs behaviours of the stand-in for Windows as candidates and compares what labctl says with guests/standin.tsv.

  standin.py LABCTL OUT_DIR [NAME...]

One scenario for each way of taking a driver into Windows that the named behaviours need: in it every behaviour is a driver of its
own, and all share one control. Without names all of them run. The image is tests/guests/nt-standin, built when it is missing. The
stand-in is test equipment: what passes here has been proved on the wire and on no Windows. Exit 1 when one ended otherwise than
expected.
"""
import os
import pathlib
import subprocess
import sys
import typing
import zipfile

import candidates

guests = pathlib.Path(__file__).resolve().parents[1] / "guests"

twice = "[install driver, reboot x2]"
and_back = "[install driver, reboot, remove driver, reboot]"


class Way(typing.NamedTuple):
    """How a scenario takes a driver into Windows."""
    guest: str
    story: str = twice
    file: str = "sys"
    machine: str = ""


ways = {
    "service": Way("driver: {kind: service, service: sensor}"),
    "boot-start": Way("driver: {kind: service, service: sensor, start: boot}", and_back),
    "inf": Way("driver: {kind: inf, service: sensor, certificate: sensor.cer}", and_back, "zip"),
    "msi": Way("driver: {kind: msi, service: sensor}", and_back, "msi"),
    "script": Way("driver:\n      kind: script\n      service: sensor\n      install: |\n"
                  r"        Copy-Item $env:LABCTL_DRIVER C:\Windows\System32\drivers\sensor.sys" "\n"
                  r"        sc.exe create sensor type= kernel start= auto binPath= C:\Windows\System32\drivers\sensor.sys" "\n"
                  "        sc.exe start sensor\n      remove: sc.exe delete sensor\n"
                  "    exercise: [sc.exe query sensor]\n    proof: [{run: Write-Output well, prints: well}]",
                  "[install driver, exercise, reboot, remove driver, reboot]", "bin"),
    "content": Way("driver: {kind: service, service: sensor}\n"
                   r"    content: {path: C:\ProgramData\sensor\content.bin, apply: echo reloaded, unproved: a stand-in reads none}",
                   "[install driver, apply content, reboot x2]"),
    "power": Way("driver: {kind: service, service: sensor}", "[install driver, cold-boot, power-cut]"),
    "upgrade": Way("driver: {kind: service, service: sensor}", "[install driver old, reboot, install driver, reboot]"),
    "secure-boot": Way("driver: {kind: service, service: sensor}", machine="{firmware: uefi-secure}"),
    "verifier": Way("driver: {kind: service, service: sensor}\n    verifier: standard"),
    "verifier-full": Way("driver: {kind: service, service: sensor}\n    verifier: full"),
    "filter": Way('driver: {kind: service, service: sensor, filter: {altitude: "385100", beside: [WdFilter]}}',
                  "[install driver, reload driver x2, reboot, remove driver, reboot]"),
    "memory-integrity": Way("driver: {kind: service, service: sensor}", machine="{firmware: uefi-secure, memory_integrity: required}"),
}


# Behaviours that hang in such a way that an NMI stops them.
provoked = {"silent_hang", "busy_hang", "shutdown_hangs"}


class Row(typing.NamedTuple):
    name: str
    way: str
    outcome: str
    reason: str
    finding: str
    told_by: str
    not_by: str
    driver: str

    def check(self, cell):
        """What is wrong with how it ended. A finding is the only one that there is; without one there is none."""
        wrong = candidates.ended([self.outcome])(cell)
        if (self.reason or self.finding) not in cell["reason"]:
            wrong.append(f"the reason does not say '{self.reason or self.finding}'")
        # A guest that hangs is stopped by an NMI in the end; that is listed, and counts for nothing.
        found = [finding for finding in cell["findings"] if not finding.get("suppressed", "").startswith("provoked: ")]
        # What comes with each boot is told of each.
        if {finding["title"] for finding in found} != ({self.finding} if self.finding else set()):
            wrong.append(f"expected {self.finding or 'no finding'}")
        if self.name in provoked and len(found) == len(cell["findings"]):
            wrong.append("nothing is listed of the NMI that is to make it leave a dump")
        for finding in found:
            told, silent = {finding["channel"], *finding.get("also", [])}, set(finding.get("silent", []))
            if told != set(self.told_by.split()) or silent != set(self.not_by.split()):
                wrong.append(f"told by {' '.join(sorted(told))}, not by {' '.join(sorted(silent)) or 'nobody'}; "
                             f"expected {self.told_by}, not by {self.not_by or 'nobody'}")
        return wrong


def table():
    rows = {}
    for line in (guests / "standin.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            row = Row(*line.split("\t"))
            assert row.way in ways and row.name not in rows, row.name
            rows[row.name] = row
    return rows


def write_driver(row, path):
    text = "NT-STANDIN DRIVER\n" + row.driver.replace(";", "\n") + "\n"
    if path.suffix != ".zip":
        path.write_text(text)
        return
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("sensor.inf", "; the stand-in only looks whether there is one\n")
        package.writestr("sensor.sys", text)
        if "certificate=off" not in row.driver:
            package.writestr("sensor.cer", "certificate\n")


def write_scenario(out, way, rows):
    labels = candidates.labels_of([row.name for row in rows])
    files = [f"{row.name}.{ways[way].file}" for row in rows]
    for row, file in zip(rows, files):
        write_driver(row, out / file)
    drivers = "".join(f"    {label}: {file}\n" for label, file in zip(labels, files))
    content = way == "content"
    if content:
        (out / "content.bin").write_text("content\n")
    if way == "upgrade":
        (out / "old.sys").write_text("NT-STANDIN DRIVER\nversion=0.9.0.0\n")
        drivers += "    old: old.sys\n"
    (out / f"{way}.yaml").write_text(
        f"labctl: 1\nname: standin-{way}\ncandidate:\n  driver:\n{drivers}" +
        ("  content: {candidate: content.bin}\n" if content else "") +
        (f"machines:\n  other: {ways[way].machine}\n" if ways[way].machine else "") +
        f"matrix:\n  image: [nt-standin]\n  driver: [{', '.join(labels)}]\n" +
        ("  machine: [other]\n" if ways[way].machine else "") +
        ("  content: [candidate]\n" if content else "") +
        f"guest:\n  windows:\n    {ways[way].guest}\nstory: {ways[way].story}\nsettle: 5s\n")
    return labels


def main():
    labctl, out = sys.argv[1], pathlib.Path(sys.argv[2])
    rows = table()
    chosen = [rows[name] for name in sys.argv[3:]] or list(rows.values())
    out.mkdir(parents=True, exist_ok=True)
    os.environ["LABCTL_IMAGES"] = str(guests)
    subprocess.run([labctl, "image", "build", "nt-standin"], check=True)
    wrong = 0
    for way in ways:
        those = [row for row in chosen if row.way == way]
        if not those:
            continue
        labels = write_scenario(out, way, those)
        wrong += candidates.compare(labctl, out / f"{way}.yaml", out,
                                    {label: (row.name, row.check) for label, row in zip(labels, those)},
                                    any(row.outcome != "passed" for row in those))
    print(f"{len(chosen)} behaviours, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
