#!/usr/bin/env python3
"""Many cells of real guests in one labctl, one after another: what it holds while they live, and what it does not give back.

usage: soak_guests.py LABCTL SENSOR [CELLS [JOBS]]     SENSOR: build/sensor; 100 cells, 2 at once

One cell in ten passes, with a reboot; the others crash in the module when their content is applied, which takes the time of
a restore. All live in places of their own; only the image's files are shared with the user's cache.

A table while the run lasts. After it nothing may be left: no process, root, socket, disk or lock of a terminal. Exit code 1
when something is, or when threads or descriptors have grown with the cells.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import holds  # noqa: E402

IMAGE = "debian-12-linux-6.12"
SCENARIO = """\
labctl: 1
name: soak
candidate:
  driver:  {{candidate: {sensor}/sensor_7.16.deb}}
  content: {{{contents}}}
matrix:
  image:   [{image}]
  content: [{labels}]
guest:
  linux:
    driver:   {{kind: deb, module: sensor}}
    content:  {{path: /var/lib/sensor/content.bin, apply: systemctl reload sensor}}
    exercise: [sensorctl replay]
    proof:
      - {{run: sensorctl digest, prints: "${{content.sha256}}"}}
story: [install driver, apply content, exercise, reboot]
settle: 1s
"""


def scenario(sensor, cells):
    good = ["candidate"] + [f"good{i}" for i in range(1, max(1, cells // 10))]
    bad = [f"bad{i}" for i in range(cells - len(good))]
    labels = []
    while good or bad:  # the good ones spread over the run
        labels += [good.pop(0)] if good else []
        labels += [bad.pop(0) for _ in range(min(9, len(bad)))]
    path = lambda label: f"{label}: {sensor}/content-{291 if label.startswith('bad') else 290}.bin"
    return SCENARIO.format(sensor=sensor, image=IMAGE, contents=", ".join(map(path, labels)), labels=", ".join(labels))


def locks_of(pid):
    """Files by which libvirt locks a terminal, with the locker's number in them."""
    locks = pathlib.Path("/run/lock")
    return [str(lock) for lock in locks.glob("LCK..*") if lock.read_text().strip() == str(pid)] if locks.exists() else []


def shares_image(cache):
    """This image under hard links, and what was proved on this host, so that only the cells are new."""
    mine = pathlib.Path(os.environ.get("LABCTL_CACHE") or pathlib.Path.home() / ".cache/labctl")
    (cache / "images").mkdir(parents=True)
    subprocess.run(["cp", "-al", mine / "images" / IMAGE, cache / "images"], check=True)
    shutil.copytree(mine / "host", cache / "host", symlinks=True)


def main():
    labctl, sensor = (os.path.abspath(path) for path in sys.argv[1:3])
    count, jobs = (int(sys.argv[at]) if len(sys.argv) > at else default for at, default in ((3, 100), (4, 2)))
    root = pathlib.Path(tempfile.mkdtemp(prefix="ls", dir="/tmp"))
    cache, runtime, out = (root / name for name in ("cache", "r", "out"))
    try:
        shares_image(cache)
        (root / "soak.yaml").write_text(scenario(sensor, count))
        return watch([labctl, "run", root / "soak.yaml", "--out", out, "--jobs", str(jobs)], root, cache, runtime, out)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def watch(command, root, cache, runtime, out):
    errors = root / "stderr.txt"
    ended = lambda: len(re.findall(r"  (?:passed|(?:crashed|hung|altered|lab-failed|not-loaded).*)$", errors.read_text(), re.M))
    before = {path for path in holds.files_below([cache])}
    environment = {**os.environ, "LABCTL_CACHE": str(cache), "LABCTL_RUNTIME": str(runtime)}
    rows, began, last = [], time.monotonic(), -1
    print(holds.head(), flush=True)
    with open(errors, "wb") as err:
        run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=err)
        while run.poll() is None:
            done = ended()
            if done // 5 != last or not rows:
                try:
                    rows.append((done, holds.what(run.pid, runtime, cache / "work")))
                except (OSError, AttributeError):
                    break
                last = done // 5
                print(holds.row(time.monotonic() - began, *rows[-1]), flush=True)
            time.sleep(0.5)
        code = run.wait()
    took = time.monotonic() - began
    bundles = list(out.iterdir()) if out.exists() else []
    if not bundles or code not in (0, 1, 130):  # interrupted, because others want the host: what was seen counts
        sys.exit(errors.read_text())
    cells = json.loads((bundles[0] / "verdict.json").read_text())["cells"]
    outcomes = [cell["outcome"] for cell in cells]
    print(f"{len(cells)} cells: exit code {code}, {took:.0f} s; "
          + ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in sorted(set(outcomes)))
          + f"; a cell lives {statistics.median(cell['took_ms'] for cell in cells) / 1000:.1f} s (median)")

    wrong = []
    lived = [row for row in rows if row[0] >= 5]
    half = len(lived) // 2
    for name in holds.NAMES:
        early, late = (statistics.median(values[name] for _, values in part) for part in (lived[:half], lived[half:]))
        print(f"{name}: {early:g} in the first half, {late:g} in the second")
        if name not in ("files", "memory") and late > early + 2:
            wrong.append(f"{name} grow")
    print(f"memory: at most {rows[-1][1]['most'] >> 10} MiB, {(lived[-1][1]['memory'] - lived[half][1]['memory']) / 1024:+.1f} MiB in the second half")
    left = [str(path) for place in (runtime, cache / "work") for path in (place.iterdir() if place.exists() else [])]
    left += locks_of(run.pid) + [f"process {pid}" for pid in guests_of(runtime)]
    new = sorted({str(path.relative_to(cache).parent) for path in set(holds.files_below([cache])) - before})
    print("new in the cache, below: " + (", ".join(new) or "nothing"))
    print("left behind: " + (", ".join(left) or "nothing"))
    return 1 if wrong or left else 0


def guests_of(runtime):
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f"{runtime}/".encode() in (process / "cmdline").read_bytes():
                yield int(process.name)
        except OSError:
            continue


if __name__ == "__main__":
    sys.exit(main())
