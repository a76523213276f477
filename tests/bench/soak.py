#!/usr/bin/env python3
"""Many cells in one run on machines made of plain code: what labctl itself costs for each, and what it does not give back.

usage: soak.py FAKE_LABCTL [CELLS [JOBS]]     200 cells, 8 at once; a thousand: soak.py FAKE_LABCTL 999 250

A run wants half a GiB of free disk for each guest at once, although these guests write nothing.

A table while the run lasts: cells that ended, threads, descriptors, processes of guests, sockets and files below the run's
places, resident memory. After it: nothing may be left, and the overhead per cell is what it took beyond the guests' own time.
"""
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "survive"))
from fake import SCENARIO, Gate  # noqa: E402

CELLS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
JOBS = int(sys.argv[3]) if len(sys.argv) > 3 else 8


def matrix(cells):
    """A scenario of about so many cells, all of the same bytes under other names."""
    drivers = max(1, round(math.sqrt(cells / 2)))
    contents = max(1, cells // drivers)
    text = SCENARIO.replace("image: [box, crate]", "image: [box]")
    names = lambda noun, count, file: "{" + ", ".join([f"candidate: {file}"] + [f"{noun}{i}: {file}" for i in range(1, count)]) + "}"
    text = text.replace("{candidate: driver.ko}", names("d", drivers, "driver.ko"))
    text = text.replace("{candidate: content.bin}", names("c", contents, "content.bin"))
    labels = lambda noun, count: "[" + ", ".join(["candidate"] + [f"{noun}{i}" for i in range(1, count)]) + "]"
    return text.replace("image: [box]", f"image: [box]\n  driver: {labels('d', drivers)}\n  content: {labels('c', contents)}")


def facts(pid, gate):
    process = pathlib.Path(f"/proc/{pid}")
    status = (process / "status").read_text()
    number = lambda name: int(re.search(rf"{name}:\s+(\d+)", status).group(1))
    files = sum(1 for place in (gate.runtime, gate.cache / "work") if place.exists() for _ in place.rglob("*"))
    return number("Threads"), len(list((process / "fd").iterdir())), len(gate.guests()), files, number("VmRSS"), number("VmHWM")


def main():
    first = Gate(sys.argv[1])
    first.call("run", first.scenario, "--out", first.out, check=True)
    gate = Gate(sys.argv[1], matrix(CELLS), proofs=first.cache)
    errors = gate.root / "stderr.txt"
    ended = lambda: len(re.findall(r"  (?:passed|crashed|hung|altered|lab-failed.*|not-loaded.*)$", errors.read_text(), re.M))
    print("   time  ended  threads  descriptors  guests  files  memory")
    began, last, before = time.monotonic(), -1, os.times()
    rows = []
    with open(errors, "wb") as err:
        run = subprocess.Popen(gate.command("run", gate.scenario, "--out", gate.out, "--jobs", JOBS), env=gate.environment,
                               stdout=subprocess.DEVNULL, stderr=err)
        step = max(1, CELLS // 10)
        while run.poll() is None:
            done = ended()
            if done // step != last:
                last = done // step
                try:
                    rows.append((done, *facts(run.pid, gate)))
                except (OSError, AttributeError):
                    break
                _, threads, descriptors, guests, files, memory, _ = rows[-1]
                print(f"{time.monotonic() - began:6.0f}s  {done:5}  {threads:7}  {descriptors:11}  {guests:6}  {files:5}  {memory >> 10:4} MiB",
                      flush=True)
            time.sleep(0.2)
        code = run.wait()
    after = os.times()
    took, cpu = time.monotonic() - began, after.children_user + after.children_system - before.children_user - before.children_system
    if not gate.bundles():
        sys.exit(errors.read_text())
    bundle = gate.bundles()[0]
    cells = json.loads((bundle / "verdict.json").read_text())["cells"]
    lived = [cell["took_ms"] / 1000 for cell in cells]
    slots = sum(lived) / min(JOBS, len(cells))
    left = gate.left_behind()
    print(f"{len(cells)} cells, {JOBS} at once: exit code {code}, {took:.1f} s; a cell lives {statistics.median(lived):.1f} s (median)")
    print(f"beyond their lives: {1000 * (took - slots) / len(cells):.0f} ms for each cell; labctl's CPU {1000 * cpu / len(cells):.0f} ms for each cell")
    if rows:
        half = rows[len(rows) // 2][5]
        print(f"memory: at most {max(row[6] for row in rows) >> 10} MiB, {(rows[-1][5] - half) / 1024:+.1f} MiB in the second half")
    print("left behind: " + (", ".join(left) or "nothing"))
    gate.close()
    first.close()
    return 0 if code == 0 and not left else 1


if __name__ == "__main__":
    sys.exit(main())
