#!/usr/bin/env python3
"""`verify --not-weaker-than`: a release that stands on less than the one before is refused, with all that is less.

usage: not_weaker.py LABCTL MAKE_BUNDLE

Statements of real bundles are changed and signed again with the right key: only what they say can refuse them.
"""
import base64
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
TYPE = "application/vnd.in-toto+json"
failures = []


def call(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=600, **more)


def good(*words, **more):
    ended = call(*words, **more)
    assert ended.returncode == 0, (words, ended.stderr)
    return ended.stdout


class Desk:
    """A key, the files, and the statement of a run that passed with them."""

    def __init__(self, folder):
        self.folder = folder
        self.key, self.pub = folder / "gate.pem", folder / "gate.pem.pub"
        self.keyid = good(LABCTL, "keygen", self.key).decode().split("key id:")[1].strip()
        (folder / "driver.deb").write_bytes(b"driver")
        (folder / "content.bin").write_bytes(b"content")
        bundle = pathlib.Path(good(MAKE_BUNDLE, folder, "passed").decode().strip())
        good(LABCTL, "attest", bundle, "--sign", self.key)
        self.attestation = bundle / "attestation.json"
        self.statement = json.loads(base64.b64decode(json.loads(self.attestation.read_text())["payload"]))

    def sign(self, statement, name, keyid=None, key=None):
        payload = json.dumps(statement).encode()
        (self.folder / "data").write_bytes(b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload))
        signature = good("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key or self.key, "-in", self.folder / "data")
        file = self.folder / name
        file.write_text(json.dumps({"payloadType": TYPE, "payload": base64.b64encode(payload).decode(),
                                    "signatures": [{"keyid": keyid or self.keyid, "sig": base64.b64encode(signature).decode()}]}))
        return file

    def verify(self, now, before, *words):
        files = [self.folder / "driver.deb", self.folder / "content.bin"]
        return call(LABCTL, "verify", now, "--key", self.pub, "--artifact", *files, "--not-weaker-than", before, *words)


def verdict(statement):
    return next(one for one in statement["predicate"]["configuration"] if one["name"] == "verdict.json")["annotations"]["labctl"]


def cells(statement):
    return verdict(statement)["cells"]


def candidate(statement):
    return next(cell for cell in cells(statement) if not cell["control"])


def changed(statement, *changes):
    other = copy.deepcopy(statement)
    for change in changes:
        change(other)
    return other


def another_cell(**words):
    """As the candidate's cell, but for these words; it passed as well."""

    def change(statement):
        cell = {**copy.deepcopy(candidate(statement)), **words}
        cells(statement).append(cell)
        statement["predicate"]["passedTests"].append(cell["id"])

    return change


def boots(number):
    return lambda statement: candidate(statement)["boots"].update(wanted=number, proved=number, together=number)


def accepted(**words):
    """A verdict that passed only because of these; with them the result is WARNED, and says so."""

    def change(statement):
        verdict(statement).update(words)
        statement["predicate"]["result"] = "WARNED"

    return change


# What the release before had more of, and the lines that say so; what this one has is the run as it was.
LESS = {
    "an image": ([another_cell(id="alma.x", image="alma")], ["image alma: not tested"]),
    "a machine": ([another_cell(id="debian.smp.x", machine="smp")], ["machine smp: not tested"]),
    "two images": ([another_cell(id="alma.x", image="alma"), another_cell(id="suse.x", image="suse")],
                   ["image alma: not tested", "image suse: not tested"]),
    "boots": ([boots(5)], ["3 boots proved instead of 5", "3 boots with all candidates instead of 5"]),
    "a cell": ([another_cell(id="debian.x")], ["3 boots proved instead of 6", "3 boots with all candidates instead of 6", "2 proofs in its cells instead of 4"]),
    "proofs": ([lambda s: candidate(s).update(proofs=candidate(s).get("proofs", 0) + 2)], ["proofs in its cells instead of"]),
    "a content": ([lambda s: candidate(s)["contents"].append("last-year")], ["no content 'last-year'"]),
    "a driver": ([lambda s: candidate(s)["drivers"].append("companion")], ["no driver 'companion'"]),
    "a negative test": ([another_cell(id="debian.damaged", expected=True)], ["0 negative tests instead of 1"]),
}
# What this release lets pass and the one before did not; each needs its own option besides.
ALLOWED = {
    "a waiver": (accepted(waived=True, waivers=["WARNING in sensor_open"]), "--allow-waived", "a waiver that the earlier run did not have"),
    "a warning": (lambda s: (accepted(allowed=["WARNING in sensor"])(s), verdict(s)["policy"].update(warnings="allow")), "--allow-warnings",
                  "policy.warnings is 'allow', and was 'fail'"),
    "unproved content": (accepted(unproved=["no proof yet"]), "--allow-unproved", "unproved content that the earlier run did not have"),
}


def expect(name, ended, code, *texts):
    said = (ended.stdout + ended.stderr).decode()
    if ended.returncode != code:
        failures.append(f"{name}: exit {ended.returncode} instead of {code}: {said}")
    failures.extend(f"{name}: nothing says '{text}': {said}" for text in texts if text not in said)


def less(desk):
    for name, (changes, lines) in LESS.items():
        before = desk.sign(changed(desk.statement, *changes), "before.json")
        ended = desk.verify(desk.attestation, before)
        expect(f"{name} less", ended, 1, "the run asked less than that of", *lines)
        listed = [line for line in ended.stderr.decode().splitlines() if line.startswith("labctl: weaker: ")]
        if len(listed) != len(lines):
            failures.append(f"{name} less: the list is {listed}")
        # The other way round it is stronger.
        expect(f"{name} more", desk.verify(before, desk.attestation), 0, "PASSED")
    everything = [change for changes, _ in LESS.values() for change in changes]
    ended = desk.verify(desk.attestation, desk.sign(changed(desk.statement, *everything), "before.json"))
    expect("all at once", ended, 1, "image alma: not tested", "no content 'last-year'", "no driver 'companion'", "negative tests")


def allowed(desk):
    for name, (change, option, line) in ALLOWED.items():
        weak = desk.sign(changed(desk.statement, change), "now.json")
        expect(f"{name} more", desk.verify(weak, desk.attestation, option), 1, "labctl: weaker: ", line)
        expect(f"{name} as before", desk.verify(weak, weak, option), 0, "WARNED")
        expect(f"{name} no more", desk.verify(desk.attestation, weak), 0, "PASSED")


def previous(desk):
    """The earlier attestation must be signed by a trusted key; its age does not matter."""
    expect("the same", desk.verify(desk.attestation, desk.attestation), 0, "PASSED")
    old = changed(desk.statement, lambda s: next(one for one in s["predicate"]["configuration"] if one["name"] == "run.json")["annotations"]["labctl"].update(
        began="2001-01-01T00:00:00Z", ended="2001-01-01T01:00:00Z"))
    expect("an old one", desk.verify(desk.attestation, desk.sign(old, "old.json"), "--max-age", "720h"), 0, "PASSED")
    other = desk.folder / "other.pem"
    other_id = good(LABCTL, "keygen", other).decode().split("key id:")[1].strip()
    stranger = desk.sign(desk.statement, "stranger.json", other_id, other)
    expect("of another signer", desk.verify(desk.attestation, stranger), 1, "the attestation of --not-weaker-than")
    forged = desk.sign(desk.statement, "forged.json", None, other)
    expect("forged", desk.verify(desk.attestation, forged), 1, "the attestation of --not-weaker-than")
    expect("missing", desk.verify(desk.attestation, desk.folder / "none.json"), 2, "cannot open")
    (desk.folder / "noise.json").write_text("{}")
    expect("no envelope", desk.verify(desk.attestation, desk.folder / "noise.json"), 2)
    # A run that did not pass asked what it asked: the next one may not ask less.
    blocked = pathlib.Path(good(MAKE_BUNDLE, desk.folder, "blocked").decode().strip())
    good(LABCTL, "attest", blocked, "--sign", desk.key)
    expect("a blocked one before", desk.verify(desk.attestation, blocked / "attestation.json"), 0, "PASSED")


def main():
    with tempfile.TemporaryDirectory(prefix="labctl-weaker-") as name:
        desk = Desk(pathlib.Path(name))
        less(desk)
        allowed(desk)
        previous(desk)
    print("\n".join(failures) or f"{len(LESS)} kinds of less and {len(ALLOWED)} of allowance are refused by name")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
