#!/usr/bin/env python3
"""Runs behaviours of the stand-in for Windows as candidates and compares what labctl says with behaviours.tsv.

  standin.py LABCTL OUT_DIR [NAME...]

One scenario, one matrix: every behaviour is a driver of its own, all share one control. Without names all of them run, which
takes an hour without KVM. The image is tests/guests/nt-standin, built when it is missing. The stand-in is test equipment: what
passes here has been proved on the wire and on no Windows. Exit 1 when one ended otherwise than expected.
"""
import os
import pathlib
import subprocess
import sys

import candidates

guests = pathlib.Path(__file__).resolve().parents[1] / "guests"
standin = guests / "nt-standin"


def behaviours():
    table = {}
    for line in (standin / "behaviours.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, outcomes, title, driver = line.split("\t")
            table[name] = (outcomes.split("|"), title, "NT-STANDIN DRIVER\n" + driver.replace(";", "\n") + "\n")
    return table


def scenario(out, names, table):
    labels = candidates.labels_of(names)
    for name in names:
        (out / f"{name}.sys").write_text(table[name][2])
    drivers = "".join(f"    {label}: {name}.sys\n" for label, name in zip(labels, names))
    text = ("labctl: 1\nname: standin\ncandidate:\n  driver:\n" + drivers +
            f"matrix:\n  image: [nt-standin]\n  driver: [{', '.join(labels)}]\n"
            "guest:\n  windows:\n    driver: {kind: service, service: sensor}\n"
            "story: [install driver, reboot x2]\nsettle: 5s\n")
    (out / "standin.yaml").write_text(text)
    return labels


def main():
    labctl, out = sys.argv[1], pathlib.Path(sys.argv[2])
    table = behaviours()
    names = sys.argv[3:] or sorted(table)
    out.mkdir(parents=True, exist_ok=True)
    os.environ["LABCTL_IMAGES"] = str(guests)
    subprocess.run([labctl, "image", "build", "nt-standin"], check=True)
    labels = scenario(out, names, table)
    return candidates.compare(labctl, out / "standin.yaml", out, {
        label: candidates.Expected(name, *table[name][:2]) for label, name in zip(labels, names)})


if __name__ == "__main__":
    sys.exit(main())
