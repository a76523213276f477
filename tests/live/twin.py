#!/usr/bin/env python3
"""A candidate that has the name of a module of the kernel's own, whose installation loads that one: not the delivered driver, whatever
its name, and blocked.

  twin.py LABCTL IMAGE ZOO_DIR OUT_DIR
"""
import json
import pathlib
import subprocess
import sys

import candidates

SCENARIO = """\
labctl: 1
name: twin
candidate: {driver: {candidate: @MODULE@}}
matrix: {image: [@IMAGE@]}
guest:
  linux:
    driver: {kind: script, module: dummy, install: modprobe dummy}
story: [install driver, reboot x3]
settle: 10s
"""


def is_told(cell):
    told = cell["outcome"] == "not-loaded" and "is not the delivered one: its build id is" in cell["reason"]
    return [] if told else ["expected not-loaded, with both build ids"]


def main():
    labctl, image, zoo, out = sys.argv[1:5]
    images = json.loads(subprocess.run([labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    release = next(each["facts"]["kernel_release"] for each in images["images"] if each["name"] == image)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    module = pathlib.Path(zoo).resolve() / release / "dummy.ko"
    (out / "twin.yaml").write_text(SCENARIO.replace("@IMAGE@", image).replace("@MODULE@", str(module)))
    return 1 if candidates.compare(labctl, out / "twin.yaml", out, {"candidate": ("twin", is_told)}, True) else 0


if __name__ == "__main__":
    sys.exit(main())
