#!/usr/bin/env python3
"""A run that is split among hosts, on machines made of plain code: one verdict as of one host, and each way to a verdict that is not earned.

usage: shards.py FAKE_LABCTL [--long]

--long, by hand: also shards that are killed, that the lab failed, and that are begun with other artifacts.
"""
import json
import shutil
import signal
import sys
import time

from fake import Gate, verdict

PROGRAM = sys.argv[1]
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


class Split:
    def __init__(self, gate, name):
        self.gate, self.folder = gate, gate.root / name
        self.file, self.shards = self.folder / "split.json", self.folder / "shards"
        self.call(0, "split", gate.scenario, "--out", self.folder)

    def call(self, code, *words):
        done = self.gate.call(*words)
        expect(done.returncode == code, f"{' '.join(map(str, words))}: {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
        return done

    def run(self, index, code=0, script="", *words):
        self.gate.environment["FAKE_SCRIPT"] = script
        return self.call(code, "shard", "run", self.file, "--index", index, *words)

    def missing(self, wanted):
        text = self.call(0, "shard", "missing", self.file).stdout
        expect(text == (wanted + "\n" if wanted else ""), f"missing: {text!r} instead of {wanted!r}")
        array = json.loads(self.call(0, "shard", "missing", self.file, "--json").stdout)["array"]
        expect(array == wanted, f"missing --json: {array!r} instead of {wanted!r}")

    def states(self):
        return [shard["state"] for shard in json.loads(self.call(0, "shard", "status", self.file, "--json").stdout)["shards"]]

    def merge(self, code, says="", *words):
        """The bundle, of which judging says the same."""
        shutil.rmtree(self.gate.out, ignore_errors=True)
        done = self.call(code, "merge", self.file, "--out", self.gate.out, *words)
        expect(says in done.stdout, f"the merge does not say {says!r}:\n{done.stdout}{done.stderr}")
        bundle = self.gate.bundles()[0]
        self.call(code, "judge", bundle)
        return bundle

    def change(self, attempt, change):
        """The record of an attempt, changed."""
        file = self.shards / attempt / "run.json"
        run = json.loads(file.read_text())
        change(run)
        file.write_text(json.dumps(run))


def pair(split, script=""):
    split.run(0, script=script)
    split.run(1, script=script)


def whole(gate):
    """As one run: the same of every cell; and what goes on from a merged bundle."""
    gate.call("run", gate.scenario, "--out", gate.out, check=True)
    alone = verdict(gate.bundles()[0])
    split = Split(gate, "whole")
    expect(split.states() == ["never-began"] * 2, f"before the first: {split.states()}")
    split.missing("0,1")
    said = json.loads(split.run(1, 0, "", "--json").stdout)
    expect(said["index"] == 1 and said["exit_code"] == 0 and {c["outcome"] for c in said["cells"]} == {"passed"}, f"shard run: {said}")
    split.missing("0")
    folder = split.shards / "1.attempt-1"
    left = {path.name for path in folder.iterdir()}
    expect(not left & {"verdict.json", "attestation.json", "junit.xml", "report.html", "summary.md"}, f"a shard left {left}")
    expect("has no verdict of its own" in split.call(3, "judge", folder).stdout, "a shard is judged as if it were a run")
    split.run(0)
    again = split.run(0)
    expect("this shard is whole" in again.stderr and not (split.shards / "0.attempt-2").exists(), "a whole shard is run again")
    split.missing("")
    expect(split.states() == ["whole"] * 2, f"at the end: {split.states()}")
    split.call(2, "split", gate.scenario, "--out", split.folder)
    split.call(2, "shard", "run", split.file, "--index", 2)
    gate.call("keygen", gate.root / "gate.key", check=True)
    bundle = split.merge(0, "PASSED", "--sign", gate.root / "gate.key")
    expect(verdict(bundle) == alone, f"merged: {verdict(bundle)}\nalone: {alone}")
    run = json.loads((bundle / "run.json").read_text())
    expect([s["index"] for s in run["shards"] if s["used"]] == [0, 1], f"shards of the record: {run['shards']}")
    split.call(0, "verify", bundle / "attestation.json", "--key", gate.root / "gate.key.pub", "--artifact",
               gate.root / "driver.ko", "--artifact", gate.root / "content.bin")
    split.call(0, "bundle", "pack", bundle, "--out", gate.root / "packed.tar.zst")
    split.call(0, "bundle", "unpack", gate.root / "packed.tar.zst", "--into", gate.root / "unpacked")
    split.call(0, "judge", next((gate.root / "unpacked").iterdir()))
    split.call(0, "report", bundle, "--format", "html", "--out", gate.root / "report.html")
    return split


def refused(gate, split):
    """From shards that are whole: each change alone takes the pass away, and says why."""
    kept = gate.root / "kept"
    shutil.copytree(split.shards, kept)
    box = split.shards / "0.attempt-1"

    def back():
        shutil.rmtree(split.shards)
        shutil.copytree(kept, split.shards)

    def cut_line():
        journal = next(box.glob("cells/*candidate*/events.jsonl"))
        lines = journal.read_text().splitlines(keepends=True)
        journal.write_text("".join(lines[:3] + lines[4:]))

    def cut_end():
        journal = next(box.glob("cells/*candidate*/events.jsonl"))
        journal.write_text(journal.read_text()[:-30])

    def other_shard():
        shutil.rmtree(split.shards / "1.attempt-1")
        shutil.copytree(box, split.shards / "1.attempt-1")

    rows = [
        (lambda: shutil.rmtree(box), "shard 0 of 0-1 never began"),
        (lambda: box.rename(split.shards / "0.attempt-1.partial"), "shard 0 of 0-1 was cut off"),
        (lambda: shutil.copytree(box, split.shards / "0.attempt-1.partial"), "there are two records of this attempt"),
        (other_shard, "its record is that of shard 0"),
        (cut_line, "lab-failed"),
        (cut_end, "lab-failed"),
        (lambda: shutil.rmtree(next(box.glob("cells/*control*"))), "it has no record of the control"),
        (lambda: shutil.rmtree(box / "canary"), "it has no canary of box"),
        (lambda: shutil.copytree(next((split.shards / "1.attempt-1").glob("cells/*control*")), box / "cells/crate.control"),
         "it has a record of the cell crate.control"),
        (lambda: split.change("0.attempt-1", lambda run: run.update(tool_sha256="0" * 64)), "the program is another one"),
        (lambda: split.change("0.attempt-1", lambda run: run["images"][0].update(sha256="0" * 64)), "the disk of image box is another one"),
        (lambda: split.change("0.attempt-1", lambda run: run["artefacts"][0].update(sha256="0" * 64)), "is another one"),
        (lambda: split.change("0.attempt-1", lambda run: run["host"].update(fingerprint="0" * 64)), "another host"),
    ]
    for change, reason in rows:
        change()
        split.merge(3, reason)
        back()
    later = Split(gate, "later")
    shutil.copytree(kept, later.shards)
    later.merge(3, "it is a shard of another split")
    # Another program, another disk, no artifact: said before anything is started.
    other = gate.root / "other-labctl"
    shutil.copy(gate.program, other)
    with other.open("ab") as file:
        file.write(b"\0")
    program, gate.program = gate.program, str(other)
    expect("its labctl is not the one that made the split" in split.run(0, 3, "", "--again").stderr, "another program runs a shard")
    gate.program = program
    images = gate.cache / "images"
    images.rename(gate.root / "away")
    lacking = split.run(0, 3, "", "--again").stderr
    expect("the image 'box' is not built" in lacking and "labctl image pull box SOURCE --split" in lacking, f"without the image: {lacking}")
    (gate.root / "away").rename(images)
    kept_bytes = next(path for path in (split.folder / "artifacts").iterdir())
    kept_bytes.rename(gate.root / "bytes")
    expect("is not there, or has other bytes" in split.run(0, 2, "", "--again").stderr, "a shard without its artifact")
    (gate.root / "bytes").rename(kept_bytes)
    expect(split.states() == ["whole"] * 2, f"what could not begin left an attempt: {split.states()}")
    return back


def blocked(split, back):
    """A blocked attempt is not outlasted by a clean one, in whichever order."""
    split.run(0, 1, "box.driver=oops@1", "--again")
    split.merge(1, "BLOCKED")
    split.run(0, 0, "", "--again")
    bundle = split.merge(1, "BLOCKED")
    said = next(c for c in json.loads((bundle / "verdict.json").read_text())["cells"] if c["id"].startswith("box.driver"))
    expect("an earlier attempt (" in said["reason"] and said["outcome"] == "crashed", f"blocked: {said}")
    resumed = split.call(2, "run", "--resume", split.shards / "0.attempt-2")
    expect("attempts are not resumed" in resumed.stderr, f"an attempt is resumed: {resumed.stderr}")
    back()


def lab_failed(split):
    """What the lab failed may be brought by a later attempt."""
    split.run(0, 3, "box.driver=mute", "--again")
    split.missing("0")
    split.merge(3, "lab-failed")
    split.run(0)
    split.missing("")
    split.merge(0, "PASSED")


def other_artifacts(gate, split):
    """The split has its own copies."""
    shutil.copy(gate.root / "driver.ko", gate.root / "delivered.ko")
    gate.environment["FAKE_PAYLOAD"] = gate.environment["FAKE_PAYLOAD"].replace(f"{gate.root}/driver.ko", f"{gate.root}/delivered.ko")
    (gate.root / "driver.ko").write_bytes(b"of another build")
    split.run(0, 0, "", "--again")
    split.merge(0, "PASSED")


def killed(gate):
    split = Split(gate, "killed")
    split.run(1)
    gate.environment["FAKE_SCRIPT"] = ""
    task = gate.start("shard", "run", split.file, "--index", 0)
    for _ in range(600):
        if list(split.shards.glob("0.attempt-1.partial/cells/*/events.jsonl")):
            break
        time.sleep(0.05)
    expect(split.states()[0] == "at-work", f"while it runs: {split.states()}")
    split.missing("")
    split.merge(3, "is still at work")
    split.call(3, "shard", "run", split.file, "--index", 0)
    gate.call("gc")
    expect(split.states()[0] == "at-work" and task.poll() is None and gate.guests(), "gc touched a shard that is at work")
    task.send_signal(signal.SIGKILL)
    task.wait()
    expect(split.states()[0] == "silent", f"after the kill: {split.states()}")
    split.missing("0")
    split.merge(3, "was cut off")
    gate.call("gc")
    expect(not gate.left_behind(), f"gc left {gate.left_behind()}")
    split.run(0)
    split.missing("")
    bundle = split.merge(0, "PASSED")
    expect(list(bundle.glob("cells/*.other-attempt-1")), "the killed attempt's records are not in the bundle")


def main():
    gate = Gate(PROGRAM)
    split = whole(gate)
    blocked(split, refused(gate, split))
    if "--long" in sys.argv:
        killed(gate)
        lab_failed(split)
        other_artifacts(gate, split)
    gate.close()
    print("\n".join(failures) or "a run of many hosts has one verdict")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
