#!/usr/bin/env python3
"""What bringing a crash back costs: from `labctl reproduce` to where the guest can be talked to, before the crash, less what
the same steps took in the run. Wanted: at most three seconds. And from a machine that was kept.

usage: reproduce.py LABCTL [CELL [ROUNDS]]     default *6.12.driver-candidate*, 3 rounds; from the repository's root

Each round makes its own run of scenarios/quickstart-blocked.yaml, with one boot for its control, and reproduces it right behind, so that what else the host
does weighs on both.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

labctl = os.path.abspath(sys.argv[1])
cell = sys.argv[2] if len(sys.argv) > 2 else "*6.12.driver-candidate*"
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
allowed = 3.0


def until_held(bundle, *options):
    """Seconds until the guest is handed over, and what labctl says that the run took to there."""
    began = time.monotonic()
    process = subprocess.Popen([labctl, "reproduce", bundle, cell, "--before-crash", *options, "--run", "true"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    held, text = None, ""
    for line in process.stderr:
        text += line
        if held is None and "held before" in line:
            held = time.monotonic() - began
    if process.wait() != 0 or held is None:
        sys.exit(text)
    return held


def taken_in_run(bundle):
    """The moment in the run at which the step of the crash was begun: that of the answer before it."""
    journal = next(bundle.glob("cells/" + cell + "/events.jsonl"))
    last = 0
    for line in journal.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "found":
            return last
        if event["event"] == "answer":
            last = event["at"] / 1000
    sys.exit("the cell did not crash")


worst = None
for number in range(rounds):
    with tempfile.TemporaryDirectory() as out:
        text = pathlib.Path("scenarios/quickstart-blocked.yaml").read_text().replace("../build", os.path.abspath("build"))
        scenario = pathlib.Path(out, "quickstart.yaml")
        scenario.write_text(text + "\nstory: [install driver, apply content, exercise, reboot x1]\n")
        runs = pathlib.Path(out, "runs")
        subprocess.run([labctl, "run", scenario, "--only", cell, "--out", runs, "--jobs", "1"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        bundle = next(runs.iterdir())
        before = taken_in_run(bundle)
        again, kept = until_held(bundle, "--replay", "--keep"), until_held(bundle, "--discard")
        load = os.getloadavg()[0]
        print(f"round {number + 1}: in the run {before:.1f} s, reproduced {again:.1f} s ({again - before:+.1f} s), "
              f"from the kept machine {kept:.1f} s; load {load:.1f}", flush=True)
        worst = again - before if worst is None else min(worst, again - before)
print(f"best of {rounds}: {worst:+.1f} s, wanted at most {allowed:+.1f} s: {'ok' if worst <= allowed else 'NOT MET'}")
sys.exit(worst > allowed)
