#!/usr/bin/env python3
"""Runs modules of the crash zoo as candidates on real guests and compares what labctl says with zoo.tsv.

  zoo.py LABCTL IMAGE ZOO_DIR OUT_DIR [NAME...]

One scenario, one matrix: every module is a driver of its own, all share one control. ZOO_DIR holds <release>/<name>.ko
as tests/guests/build.sh makes them. Without names the whole zoo runs. Exit 1 when one ended otherwise than expected.
"""
import json
import pathlib
import subprocess
import sys

import candidates

here = pathlib.Path(__file__).resolve().parent


def expectations():
    table = {}
    for line in (here.parent / "guests" / "zoo.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, expected, _ = line.split("\t", 2)
            table[name] = expected.split("|")
    return table


def scenario(image, modules, names):
    labels = candidates.labels_of(names)
    drivers = "".join(f"    {label}: {modules / name}.ko\n" for label, name in zip(labels, names))
    return labels, (
        "labctl: 1\nname: zoo\ncandidate:\n  driver:\n" + drivers +
        f"matrix:\n  image: [{image}]\n  driver: [{', '.join(labels)}]\n"
        f"signatures: {here.parent / 'guests' / 'signatures.yaml'}\n"
        "guest:\n  linux:\n    driver: {kind: kmod}\n"
        "story: [install driver, reboot x3]\nsettle: 10s\n")


def main():
    labctl, image, zoo, out = sys.argv[1:5]
    expected = expectations()
    names = sys.argv[5:] or sorted(expected)
    images = json.loads(subprocess.run([labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    release = next(i["facts"]["kernel_release"] for i in images["images"] if i["name"] == image)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    labels, text = scenario(image, pathlib.Path(zoo).resolve() / release, names)
    (out / "zoo.yaml").write_text(text)
    checks = {label: (name, candidates.ended(expected[name])) for label, name in zip(labels, names)}
    blocked = any("passed" not in expected[name] for name in names)
    return 1 if candidates.compare(labctl, out / "zoo.yaml", out, checks, blocked) else 0


if __name__ == "__main__":
    sys.exit(main())
