#!/usr/bin/env python3
"""Real drivers out of Debian's archive, gated as they are shipped.

usage: run.py LABCTL [--image IMAGE] [--packages FOLDER] [--out FOLDER] [NAME ...]

Fetches the packages of candidates.tsv, runs each scenario of this folder and compares how its cell ended. Prints a row
of a Markdown table for each: candidate, lines of YAML, modules, guest time, ending, why. Ends with 1 when one ended
otherwise than expected.
"""
import argparse
import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent


def rows():
    for line in (here / "candidates.tsv").read_text().splitlines():
        if not line.startswith("#"):
            name, packages, on_61, on_612 = line.split("\t")
            yield name, packages.split(), {"6.1": on_61, "6.12": on_612}


def fetch(package, folder):
    target = folder / f"{package}.deb"
    if not target.exists():
        fresh = folder.parent / "fetched"
        fresh.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", package], cwd=fresh, check=True, stdout=subprocess.DEVNULL)
        (found,) = fresh.glob(f"{package}_*.deb")
        found.rename(target)


def gate(labctl, name, image, packages, out):
    scenario = here / f"{name}.yaml"
    before = set(out.glob("*/verdict.json"))
    subprocess.run([labctl, "run", str(scenario), "--set", f"system={image}", "--set", f"packages={packages}",
                    "--out", str(out)], check=False)
    (written,) = set(out.glob("*/verdict.json")) - before
    verdict = json.loads(written.read_text())
    (cell,) = [one for one in verdict["cells"] if not one["control"]]
    lines = [line for line in scenario.read_text().splitlines() if line and not line.startswith("#")]
    return cell, len(lines)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("labctl")
    arguments.add_argument("--image", default="debian-12-linux-6.1-dkms")
    arguments.add_argument("--packages", type=pathlib.Path, default=pathlib.Path("build/candidates/packages"))
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/candidates/bundles"))
    arguments.add_argument("names", nargs="*")
    told = arguments.parse_intermixed_args()  # names may stand behind options
    told.packages.mkdir(parents=True, exist_ok=True)
    told.out.mkdir(parents=True, exist_ok=True)
    series = "6.12" if "6.12" in told.image else "6.1"
    wrong = 0
    for name, packages, endings in rows():
        if told.names and name not in told.names or endings[series] == "-":
            continue
        folder = told.packages.resolve() / name
        folder.mkdir(parents=True, exist_ok=True)
        for package in packages:
            fetch(package, folder)
        cell, lines = gate(told.labctl, name, told.image, folder, told.out)
        right = cell["outcome"] == endings[series]
        wrong += not right
        print(f"| {name} | {lines} | {cell['took_ms'] // 1000} s | {cell['outcome']}"
              f"{'' if right else ', expected ' + endings[series]} | {cell['reason']} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
