#!/usr/bin/env python3
"""labctl drill and verify --drilled, on machines made of plain code.

usage: drill.py FAKE_LABCTL
"""
import shutil
import sys

from fake import Gate

PROGRAM = sys.argv[1]
failures = []


def expect(name, done, code, *texts):
    output = done.stdout + done.stderr
    if done.returncode != code or any(text not in output for text in texts):
        failures.append(f"{name}: exit {done.returncode} instead of {code}, wanted {texts}, was:\n{output}")


def main():
    gate = Gate(PROGRAM)
    key, other = gate.root / "gate.key", gate.root / "other.key"
    for file in (key, other):
        gate.call("keygen", file, check=True)
    drills = gate.root / "drills"

    def drill(name, script, code, *texts, signer=key):
        shutil.rmtree(drills, ignore_errors=True)
        gate.environment["FAKE_SCRIPT"] = script
        expect(name, gate.call("drill", gate.scenario, "--out", drills, "--sign", signer), code, *texts)
        found = list(drills.glob("*/attestation.json"))
        kept = gate.root / f"{len(list(gate.root.glob('*.drill')))}.drill"
        if found:
            shutil.copy(found[0], kept)
        return kept

    # The content that is known to be bad, and the release.
    content = gate.root / "content.bin"
    release = content.read_bytes()
    content.write_bytes(b"content 291")
    good = drill("blocked on both images", "box.driver=oops@1,crate.driver=oops@1", 0, "BLOCKED", "the gate blocked it, as it must")
    half = drill("blocked on one image", "box.driver=oops@1", 0, "as it must")
    passed = drill("a gate that stands open", "", 1, "DRILL FAILED", "known to be bad", "publish nothing")
    drill("a lab that fails", "box=no-memory,crate=no-memory", 3, "nothing is known of the gate")
    stranger = drill("signed by another", "box.driver=oops@1,crate.driver=oops@1", 0, signer=other)
    expect("no key", gate.call("drill", gate.scenario, "--out", drills), 2, "--sign")
    expect("no scenario", gate.call("drill", gate.root / "none.yaml", "--sign", key), 2, "cannot open")

    content.write_bytes(release)
    gate.environment["FAKE_SCRIPT"] = ""
    expect("the release", gate.call("run", gate.scenario, "--out", gate.out, "--sign", key), 0)
    attestation = gate.bundles()[0] / "attestation.json"

    def verify(name, code, *words):
        texts = [word for word in words if isinstance(word, str) and word.startswith("=")]
        expect(name, gate.call("verify", attestation, "--key", f"{key}.pub", "--artifact", gate.root / "driver.ko", content,
                               *(word for word in words if word not in texts)), code, *(text[1:] for text in texts))

    verify("without a drill", 0)
    verify("drilled", 0, "--drilled", "7d", "--drill", good)
    verify("too old", 1, "--drilled", "1ms", "--drill", good, "=the drill: it is too old")
    verify("on one image only", 1, "--drilled", "7d", "--drill", half, "=no guest failed on the image 'crate'")
    verify("a drill that passed", 1, "--drilled", "7d", "--drill", passed, "=it was not blocked")
    verify("the release as its own drill", 1, "--drilled", "7d", "--drill", attestation, "=it was not blocked")
    verify("a stranger's drill", 1, "--drilled", "7d", "--drill", stranger, "=none of the given keys")
    verify("no drill", 2, "--drilled", "7d", "=--drilled and --drill belong together")
    verify("no time", 2, "--drill", good, "=--drilled and --drill belong together")
    verify("a drill that is missing", 2, "--drilled", "7d", "--drill", gate.root / "none.json", "=cannot open")
    gate.close()
    print("\n".join(failures) or "the drill is as it should be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
