#!/usr/bin/env python3
"""Runs modules of the crash zoo as candidates on real guests and compares what labctl says with zoo.tsv.

  zoo.py [--reboots N] LABCTL IMAGE ZOO_DIR OUT_DIR [NAME...]

One scenario, one matrix: every module is a driver of its own, all share one control. ZOO_DIR holds <release>/<name>.ko
as tests/guests/build.sh makes them. Without names the whole zoo runs. A module that fails at its third load needs two reboots,
and three are the default. Exit 1 when one ended otherwise than expected.
"""
import argparse
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


def scenario(image, modules, names, reboots):
    labels = candidates.labels_of(names)
    drivers = "".join(f"    {label}: {modules / name}.ko\n" for label, name in zip(labels, names))
    return labels, (
        "labctl: 1\nname: zoo\ncandidate:\n  driver:\n" + drivers +
        f"matrix:\n  image: [{image}]\n  driver: [{', '.join(labels)}]\n"
        f"signatures: {here.parent / 'guests' / 'signatures.yaml'}\n"
        "guest:\n  linux:\n    driver: {kind: kmod}\n"
        f"story: [install driver, reboot x{reboots}]\nsettle: 10s\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reboots", type=int, default=3)
    for name in ("labctl", "image", "zoo", "out"):
        parser.add_argument(name)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    expected = expectations()
    names = args.names or sorted(expected)
    images = json.loads(subprocess.run([args.labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    release = next(i["facts"]["kernel_release"] for i in images["images"] if i["name"] == args.image)
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    labels, text = scenario(args.image, pathlib.Path(args.zoo).resolve() / release, names, args.reboots)
    (out / "zoo.yaml").write_text(text)
    checks = {label: (name, candidates.ended(expected[name])) for label, name in zip(labels, names)}
    blocked = any("passed" not in expected[name] for name in names)
    return 1 if candidates.compare(args.labctl, out / "zoo.yaml", out, checks, blocked) else 0


if __name__ == "__main__":
    sys.exit(main())
