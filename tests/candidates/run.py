#!/usr/bin/env python3
"""Real drivers out of Debian's archive, gated as they are shipped.

usage: run.py LABCTL [--image IMAGE] [--packages FOLDER] [--out FOLDER] [--twins] [NAME ...]

Fetches the packages of candidates.tsv, runs each scenario of this folder and compares how its cell ended. Prints a row
of a Markdown table for each: candidate, lines of YAML, guest time, ending, why. Ends with 1 when one ended otherwise
than expected.

--twins runs the broken twins instead: the same packages with a fault put in by twins/NAME.patch. Each must end
`crashed`, and what its patch names behind `Blocked: ` must be in the reason.
"""
import argparse
import json
import pathlib
import shutil
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


def break_it(package, patch, folder):
    """A package of the same name whose sources have the patch's fault."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    (source,) = (tree / "usr/src").iterdir()
    subprocess.run(["patch", "-s", "-p1", "-d", source, "-i", patch], check=True)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, folder / package.name], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)


def fault_of(patch):
    (line,) = [line for line in patch.read_text().splitlines() if line.startswith("Blocked: ")]
    return line.removeprefix("Blocked: ")


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
    arguments.add_argument("--twins", action="store_true", help="run packages with a fault put in, which must be blocked")
    arguments.add_argument("names", nargs="*")
    told = arguments.parse_intermixed_args()  # names may stand behind options
    told.packages.mkdir(parents=True, exist_ok=True)
    told.out.mkdir(parents=True, exist_ok=True)
    series = "6.12" if "6.12" in told.image else "6.1"
    wrong = ran = 0
    for name, packages, endings in rows():
        if told.names and name not in told.names or endings[series] == "-":
            continue
        patch = here / "twins" / f"{name}.patch"
        if told.twins and not patch.exists():
            continue
        folder = told.packages.resolve() / name
        folder.mkdir(parents=True, exist_ok=True)
        for package in packages:
            fetch(package, folder)
        expected, fault = endings[series], ""
        if told.twins:
            broken = folder.with_name(f"{name}-twin")
            broken.mkdir(exist_ok=True)
            for package in packages:
                shutil.copy(folder / f"{package}.deb", broken)
            break_it(folder / f"{packages[0]}.deb", patch, broken)
            folder, expected, fault = broken, "crashed", fault_of(patch)
        cell, lines = gate(told.labctl, name, told.image, folder, told.out)
        right = cell["outcome"] == expected and fault in cell["reason"]
        wrong += not right
        ran += 1
        print(f"| {name} | {lines} | {cell['took_ms'] // 1000} s | {cell['outcome']}"
              f"{'' if right else ', expected ' + expected + ' ' + fault} | {cell['reason']} |", flush=True)
    return 1 if wrong or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
