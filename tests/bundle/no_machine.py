#!/usr/bin/env python3
"""Whoever reads, judges, reports, verifies and scans records of runs needs no hypervisor: none is linked.

usage: no_machine.py PROGRAM LABCTL

LABCTL itself runs guests: in it the same search must find what it looks for.
"""
import re
import subprocess
import sys


def hypervisor(program):
    symbols = subprocess.run(["nm", "-C", program], capture_output=True, text=True, check=True).stdout
    libraries = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    return sorted({*re.findall(r"\bvir[A-Z]\w+", symbols), *re.findall(r"libvirt[^\]]*", libraries),
                   *re.findall(r"labctl::machine::\w+", symbols)})


def main():
    records, gate = sys.argv[1:3]
    failures = []
    if found := hypervisor(records):
        failures.append(f"{records} has {', '.join(found[:10])}")
    if not hypervisor(gate):
        failures.append(f"nothing is found in {gate} either: the search finds nothing")
    print("\n".join(failures) or "records are judged without a hypervisor")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
