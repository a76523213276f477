#!/usr/bin/env python3
"""Why did the lab fail last night? Five causes, each found in what the run left on the disk, and nowhere else.

usage: log.py FAKE_LABCTL
"""
import os
import re
import shutil
import sys

from fake import Gate, Small

PROGRAM = sys.argv[1]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +\S.*")
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED:", text, flush=True)


def log_of(gate):
    """The one log that a run left, in its bundle or in the place of one."""
    logs = [bundle / "labctl.log" for bundle in gate.bundles()] + sorted(gate.out.glob("*.no-bundle.log"))
    expect(len(logs) == 1, f"{len(logs)} logs: {logs}")
    text = logs[0].read_text()
    for line in text.splitlines():
        expect(LINE.fullmatch(line), f"no line of a log: {line!r}")
    return text


def night(name, code, causes, proofs, script="", prepare=None, path=None, small=None):
    """A run that the lab fails; then only its log is looked at."""
    before = len(failures)
    gate = Gate(PROGRAM, proofs=proofs)
    gate.environment["FAKE_SCRIPT"] = script
    if prepare:
        prepare(gate)
    if path:
        gate.environment["PATH"] = path
    if small:
        with Small(gate.cache / "work", small):
            done = gate.call("run", gate.scenario, "--out", gate.out)
    else:
        done = gate.call("run", gate.scenario, "--out", gate.out)
    expect(done.returncode == code, f"{name}: exit code {done.returncode} instead of {code}\n{done.stderr}")
    text = log_of(gate)
    for cause in causes:
        expect(re.search(cause, text), f"{name}: nothing in the log matches {cause!r}:\n{text[-3000:]}")
    gate.close()
    print(f"{name}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)


def without_image(gate):
    shutil.rmtree(gate.cache / "images/crate")


def told(proofs):
    """What a healthy run's log has, that it does not change what the bundle is worth, and what -v shows."""
    gate = Gate(PROGRAM, proofs=proofs)
    gate.environment["LABCTL_KEY_PASSPHRASE"] = "hunter2-of-the-test"
    done = gate.call("run", gate.scenario, "--out", gate.out, check=True)
    expect(" debug " not in done.stderr, "the log is shown without being asked for")
    text = log_of(gate)
    for cause in (r"info +opened fake, tcg", r"info +running the cells .*box\.control", r"info +cell box\.\S+: boot 1/1",
                  r"debug +guest \S*box\S*: start from its snapshot: done after \d+ ms",
                  r"debug +guest \S+: ask its agent guest-exec '.*': done after \d+ ms", r"info +the run ended: passed"):
        expect(re.search(cause, text), f"a healthy run's log has nothing like {cause!r}:\n{text[:3000]}")
    expect("hunter2" not in text, "a passphrase is in the log")
    bundle = gate.bundles()[0]
    judged = gate.call("judge", bundle, check=True).stdout
    packed = gate.root / "b.tar.zst"
    gate.call("bundle", "pack", bundle, "--out", packed, check=True)
    gate.call("bundle", "unpack", packed, "--into", gate.root / "elsewhere", check=True)
    expect((gate.root / "elsewhere" / bundle.name / "labctl.log").read_text() == text, "the log is not carried along")
    (bundle / "labctl.log").write_text("\0 anything")
    expect(gate.call("judge", bundle, check=True).stdout == judged, "the verdict depends on the log")
    (bundle / "labctl.log").unlink()
    expect(gate.call("judge", bundle, check=True).stdout == judged, "the verdict depends on the log")
    for words, shown, hidden in ((["-v"], "info", "debug"), (["--log-level", "debug"], "debug", None),
                                 (["--log-level", "error"], None, "info")):
        said = gate.call("run", gate.scenario, "--out", gate.root / words[-1], *words, check=True).stderr
        expect(not shown or f"Z {shown} " in said, f"{words} shows no {shown}:\n{said[:500]}")
        expect(not hidden or f"Z {hidden} " not in said, f"{words} shows {hidden}")
    gate.close()
    print(f"a healthy run: {'ok' if not failures else 'FAILED'}", flush=True)


def main():
    if os.geteuid() != 0:
        return 77
    first = Gate(PROGRAM)
    first.call("run", first.scenario, "--out", first.out, check=True)
    told(first.cache)
    night("no image", 2, [r"error +.*the image 'crate' is not built.*labctl image build crate"], first.cache, prepare=without_image)
    night("disk full", 3, [r"warning +disk for the matrix", r"error +.*not enough disk space: 7\.\d MiB free"], first.cache, small="8m")
    night("no QEMU", 3, [r"error +.*qemu-system-x86_64.*apt-get install"], first.cache, path="/usr/sbin:/sbin")
    night("agent never answers", 3, [r"box\S*candidate\S*: ask its agent guest-ping: failed after \d+ ms: the agent is not connected",
                                     r"error +cell box\.\S*candidate\S* ended lab-failed"], first.cache, script="box.driver-candidate=mute")
    night("no guest memory", 3, [r"start from its snapshot: failed after \d+ ms: .*cannot set up guest memory 'pc.ram'",
                                 r"cell crate\S*candidate\S*: lab failed, trying again",
                                 r"error +cell crate\.\S*candidate\S* ended lab-failed: .*Cannot allocate memory"],
          first.cache, script="crate.driver-candidate=no-memory")
    first.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
