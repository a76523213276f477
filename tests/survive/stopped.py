#!/usr/bin/env python3
"""A labctl that is stopped for longer than any guest may be silent, as by Ctrl-Z or `docker pause`, blames nobody when it goes on.

usage: stopped.py FAKE_LABCTL
"""
import json
import signal
import subprocess
import sys
import time

from fake import SCENARIO, Gate, verdict

SILENCE = 25  # seconds; the fake image's guests may be silent for 18


def main():
    scenario = SCENARIO.replace("settle: 1s", "settle: 6s").replace("[box, crate]", "[box]")
    first = Gate(sys.argv[1], scenario)
    first.call("run", first.scenario, "--out", first.out, check=True)
    gate = Gate(sys.argv[1], scenario, proofs=first.cache)
    told = gate.root / "stderr.txt"
    with open(told, "wb") as err:
        run = subprocess.Popen(gate.command("run", gate.scenario, "--out", gate.out), env=gate.environment,
                               stdout=subprocess.DEVNULL, stderr=err)
    while run.poll() is None and "candidate  boot 1/1: settle" not in told.read_text():
        time.sleep(0.05)
    run.send_signal(signal.SIGSTOP)
    time.sleep(SILENCE)
    run.send_signal(signal.SIGCONT)
    code = run.wait()
    bundle = gate.bundles()[0]
    events = [json.loads(line) for line in next(bundle.glob("cells/*candidate*/events.jsonl")).read_text().splitlines()]
    gap = max(after["at"] - before["at"] for before, after in zip(events, events[1:]))
    print(f"exit code {code}, the longest silence in the journal is {gap / 1000:.1f} s: {verdict(bundle)}")
    gate.close()
    first.close()
    return 0 if code == 0 and gap > 1000 * (SILENCE - 2) else 1


sys.exit(main())
