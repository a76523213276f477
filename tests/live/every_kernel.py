#!/usr/bin/env python3
"""A night's work: the sample candidate on the kernels that the package archive still has.

  every_kernel.py LABCTL OUT_DIR [--kernels N] [--suite SUITE]

Asks `labctl image kernels --available`, takes N of the kernels (8; 0: all), spread over their ages and kinds, builds the sample for them,
then their images, and runs one scenario over all: the healthy content must pass on each. Recipes, packages, logs and the bundle stay in
OUT_DIR, images in the cache. Prints a line for each kernel; exit 1 when one of them did not pass. About ten minutes for each kernel on two
cores without KVM.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = """labctl: 1
name: every-kernel
candidate:
  driver: {{candidate: {driver}}}
  content: {{candidate: {content}}}
matrix: {{image: [{images}]}}
"""


def spread(kernels, count):
    """One of each kind first, then evenly from the earliest to the newest."""
    if count == 0 or count >= len(kernels):
        return kernels
    chosen = []
    for kind in sorted({kernel["kind"] for kernel in kernels}):
        chosen.append([kernel for kernel in kernels if kernel["kind"] == kind][-1])
    chosen = chosen[:count]
    rest = [kernel for kernel in kernels if kernel not in chosen]
    wanted = count - len(chosen)
    chosen += [rest[i * len(rest) // wanted] for i in range(wanted)]
    return [kernel for kernel in kernels if kernel in chosen]


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("labctl", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--kernels", type=int, default=8)
    arguments.add_argument("--suite", default="bookworm")
    given = arguments.parse_args()
    labctl, out = str(given.labctl.resolve()), given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    told = subprocess.run([labctl, "image", "kernels", "--available", "--json", "--suite", given.suite], check=True, stdout=subprocess.PIPE, text=True)
    available = json.loads(told.stdout)["available"]
    chosen = spread(available, given.kernels)
    print(f"{len(available)} kernels in the archive, {len(chosen)} of them chosen", flush=True)
    for kernel in chosen:
        if kernel["recipe"]:
            file = out / "images" / kernel["image"] / "image.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(kernel["recipe"])
    subprocess.run([root / "scenarios/sensor/build.sh", "--out", out / "sensor", *(kernel["release"] for kernel in chosen)], check=True)
    quickstart = (root / "scenarios/quickstart.yaml").read_text()
    story = quickstart[quickstart.index("\nguest:"):]  # what a guest is asked, and the story
    scenario = out / "every-kernel.yaml"
    scenario.write_text(SCENARIO.format(driver=out / "sensor/sensor_7.16.deb", content=out / "sensor/content-290.bin",
                                        images=", ".join(kernel["image"] for kernel in chosen)) + story)
    environment = {**os.environ, "LABCTL_IMAGES": str(out / "images")}
    subprocess.run([labctl, "image", "build", "--needed-by", scenario], check=True, env=environment)
    run = subprocess.run([labctl, "run", scenario, "--out", out / "runs"], env=environment, check=False)
    bundle = max((path for path in (out / "runs").iterdir() if (path / "verdict.json").is_file()), key=lambda path: path.stat().st_mtime)
    cells = json.loads((bundle / "verdict.json").read_text())["cells"]
    failures = 0
    for kernel in chosen:
        ended = {cell["outcome"] for cell in cells if cell["axes"]["image"] == kernel["image"]}
        failures += ended != {"passed"}
        print(f"{kernel['release']:<28} {kernel['version']:<24} {kernel['kind']:<14} {', '.join(sorted(ended)) or 'not run'}")
    print(f"{len(chosen)} kernels, {failures} not passed; run ended with {run.returncode}; {bundle}")
    return 1 if failures or run.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
