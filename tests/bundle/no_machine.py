#!/usr/bin/env python3
"""Whoever reads, judges, reports, verifies and scans records of runs needs no hypervisor: none is linked.

usage: no_machine.py PROGRAM LABCTL_JUDGE LABCTL

LABCTL itself runs guests: in it the same search must find what it looks for. LABCTL_JUDGE has LABCTL's answers.
"""
import pathlib
import re
import subprocess
import sys


def hypervisor(program):
    symbols = subprocess.run(["nm", "-C", program], capture_output=True, text=True, check=True).stdout
    libraries = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    return sorted({*re.findall(r"\bvir[A-Z]\w+", symbols), *re.findall(r"libvirt[^\]]*", libraries)})


def answers(program, bundle):
    done = [subprocess.run([program, *words], capture_output=True, text=True)
            for words in (["judge", bundle, "--json"], ["judge", bundle], ["report", bundle, "--format", "md"],
                          ["report", bundle, "--format", "html"], ["scan", bundle / "run.json"], ["judge", "/nonexistent"])]
    return [(each.returncode, each.stdout, each.stderr) for each in done]


def main():
    records, judge, gate = sys.argv[1:4]
    failures = []
    for program in (records, judge):
        if found := hypervisor(program):
            failures.append(f"{program} has {', '.join(found[:10])}")
    for bundle in sorted((pathlib.Path(__file__).parent / "recorded").iterdir()):
        if answers(judge, bundle) != answers(gate, bundle):
            failures.append(f"{bundle.name}: labctl-judge has another answer than labctl")
    if not hypervisor(gate):
        failures.append(f"nothing is found in {gate} either: the search finds nothing")
    print("\n".join(failures) or "records are judged without a hypervisor")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
