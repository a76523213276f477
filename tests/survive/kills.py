#!/usr/bin/env python3
"""labctl is killed at random moments of random runs, again and again, on machines made of plain code.

usage: kills.py FAKE_LABCTL [KILLS [SEED]]

After every kill: no verdict is there that the run had not reached, gc (or the next run) ends every guest and frees its space,
and --resume reaches in the end the very verdict of a run that nobody disturbed.
"""
import collections
import concurrent.futures
import random
import shutil
import signal
import sys
import threading
import time

from fake import Gate, verdict

PROGRAM = sys.argv[1]
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 20240719
WORKERS = 8
SIGNALS = [signal.SIGKILL] * 4 + [signal.SIGTERM, signal.SIGINT]
STORIES = {
    "sound": "",
    "oopses": "box.driver=oops@1",
    "lab fails once": "crate.driver=lost-once@1",
    "lab fails": "box.driver=lost@1",
}

tally, failures, lock = collections.Counter(), [], threading.Lock()


def expect(condition, text):
    if not condition:
        with lock:
            failures.append(text)


def moment(gate):
    """How far the killed run had come, for the tally."""
    bundles = gate.bundles()
    if not bundles:
        return "before its bundle"
    bundle = bundles[0]
    if bundle.suffix != ".partial":
        return "and ended politely" if verdict_was_interrupted(bundle) else "after its end"
    if any("verdict.json" == file.name for file in bundle.iterdir()):
        return "while it closed the bundle"
    cells = list((bundle / "cells").iterdir()) if (bundle / "cells").exists() else []
    if cells:
        return "while cells ran"
    return "at its canaries" if (bundle / "canary").exists() else "at its beginning"


def judged(gate, bundle, reference, what):
    """A bundle that was cut off promises nothing."""
    code = gate.call("judge", bundle).returncode
    if bundle.suffix == ".partial":
        expect(code != 0 or (bundle / "verdict.json").exists() or reference[0] == "passed", f"{what}: judged {code}")
    expect(code != 1 or reference[0] == "blocked", f"{what}: blocked, and undisturbed it is {reference[0]}")
    expect(code != 0 or reference[0] == "passed", f"{what}: passed, and undisturbed it is {reference[0]}")


def one(number, story, proofs, reference, took):
    """One run, killed once or several times, and gone on with until it ends. How often it was killed."""
    chance = random.Random(f"{SEED}-{number}")
    what = f"run {number} ({story})"
    gate = Gate(PROGRAM, proofs=proofs)
    gate.environment["FAKE_SCRIPT"] = STORIES[story]
    killed = 0
    try:
        for _ in range(chance.choice([1, 1, 2, 3])):
            bundles = gate.bundles()
            if bundles and bundles[0].suffix != ".partial" and not verdict_was_interrupted(bundles[0]):
                break
            words = ["--resume", bundles[0]] if bundles and (bundles[0] / "run.json").exists() else \
                [gate.scenario, "--out", gate.out]
            if words[0] != "--resume":
                shutil.rmtree(gate.out, ignore_errors=True)
            process = gate.start("run", *words, "--jobs", "2")
            time.sleep(chance.uniform(0, took * 1.1))
            sent = chance.choice(SIGNALS)
            process.send_signal(sent)
            code = process.wait(timeout=120)
            killed += 1
            with lock:
                tally[moment(gate)] += 1
            if sent == signal.SIGKILL:
                if chance.random() < 0.5:
                    done = gate.call("gc")
                    expect(done.returncode == 0, f"{what}: gc: {done.stderr}")
                    expect(not gate.left_behind(), f"{what}: behind gc: {gate.left_behind()}")
            else:
                expect(code in (130, 0, 1, 3, -sent), f"{what}: {sent.name} gives {code}")
                if code == 130:
                    expect(not gate.left_behind(), f"{what}: behind {sent.name}: {gate.left_behind()}")
            for bundle in gate.bundles():
                if (bundle / "run.json").exists():
                    judged(gate, bundle, reference, what)
        finish(gate, what, reference)
    finally:
        gate.call("gc")
        gate.close()
    return killed


def verdict_was_interrupted(bundle):
    return '"interrupted": true' in (bundle / "run.json").read_text()


def finish(gate, what, reference):
    bundles = gate.bundles()
    if bundles and (bundles[0] / "run.json").exists():
        ended = bundles[0].suffix != ".partial" and not verdict_was_interrupted(bundles[0])
        done = gate.call("run", "--resume", bundles[0])
        if ended:
            expect(done.returncode == 2 and "has ended: there is nothing to resume" in done.stderr, f"{what}: a whole bundle: {done.stderr}")
            # Killed between its bundle's last name and its own end: a refused run frees nothing, gc does.
            gate.call("gc")
    else:
        shutil.rmtree(gate.out, ignore_errors=True)
        done = gate.call("run", gate.scenario, "--out", gate.out)
    bundles = gate.bundles()
    expect(len(bundles) == 1 and bundles[0].suffix != ".partial", f"{what}: {bundles}\n{done.stdout}{done.stderr}")
    reached = verdict(bundles[0])
    expect(reached == reference, f"{what}: reached {reached}, undisturbed {reference}\n{done.stderr}")
    expect(not gate.left_behind(), f"{what}: behind its end: {gate.left_behind()}")


def undisturbed(story, proofs):
    gate = Gate(PROGRAM, proofs=proofs)
    gate.environment["FAKE_SCRIPT"] = STORIES[story]
    began = time.monotonic()
    gate.call("run", gate.scenario, "--out", gate.out, "--jobs", "2")
    reached = verdict(gate.bundles()[0])
    gate.close()
    return reached, time.monotonic() - began


def main():
    gate = Gate(PROGRAM)
    # The canaries' deaths take their time: once, and killed in the middle.
    process = gate.start("run", gate.scenario, "--out", gate.out)
    time.sleep(3)
    process.kill()
    process.wait()
    tally[moment(gate)] += 1
    gate.call("run", "--resume", gate.bundles()[0])
    with concurrent.futures.ThreadPoolExecutor(len(STORIES)) as pool:
        references = dict(zip(STORIES, pool.map(lambda story: undisturbed(story, gate.cache), STORIES)))
    wanted = {"sound": "passed", "oopses": "blocked", "lab fails once": "passed", "lab fails": "no-verdict"}
    for story, (reference, _) in references.items():
        expect(reference[0] == wanted[story], f"undisturbed, {story}: {reference}")

    kills, number = 1, 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        while kills < KILLS and not failures:
            batch = []
            for _ in range(min(WORKERS, KILLS - kills)):
                story = list(STORIES)[number % len(STORIES)]
                batch.append(pool.submit(one, number, story, gate.cache, *references[story]))
                number += 1
            kills += sum(future.result() for future in batch)
    gate.close()
    for name, times in sorted(tally.items()):
        print(f"{times:4} killed {name}")
    print(f"{kills} kills in {number} runs, seed {SEED}: " +
          ("every one was gone on with to the verdict of an undisturbed run" if not failures else "FAILED"))
    for failure in failures[:20]:
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
