#!/usr/bin/env python3
"""Publishing opens only on a signed `passed` about exactly these bytes: each way around that is tried here.

usage: attacks.py LABCTL MAKE_BUNDLE
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
failures = []
tried = 0


def call(*words, **more):
    environment = {**os.environ, "NO_COLOR": "1", **more.pop("env", {})}
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=600, env=environment, **more)


def labctl(*words, **more):
    return call(LABCTL, *words, **more)


def expect(name, ended, code, text=""):
    """The exit code and what is said; and never a word of a key, nor more than one line why not."""
    global tried
    tried += 1
    told = (ended.stdout + ended.stderr).decode(errors="replace")
    if ended.returncode != code or text not in told:
        failures.append(f"{name}: exit {ended.returncode} instead of {code}, wanted '{text}', said: {told.strip()}")
    if SECRET and any(line in told for line in SECRET):
        failures.append(f"{name}: key material was printed")
    if ended.args[1] == "verify" and ended.returncode == 1 and ended.stderr.count(b"\n") != 1:
        failures.append(f"{name}: not one line: {told}")


def openssl(*words, **more):
    ended = call("openssl", *words, **more)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout


def make_bundle(kind, *times):
    ended = call(MAKE_BUNDLE, tempfile.mkdtemp(dir=ROOT), kind, *times)
    assert ended.returncode == 0, ended.stderr.decode()
    return pathlib.Path(ended.stdout.decode().strip())


def pae(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def signature(key, data):
    """By openssl, over the bytes: nothing of labctl is in it."""
    (ROOT / "data").write_bytes(data)
    return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", ROOT / "data")


TYPE = b"application/vnd.in-toto+json"


def envelope(payload, *signers, kind=TYPE, label=TYPE):
    """signers: (key file, key id)"""
    signatures = [
        {"keyid": keyid, "sig": base64.b64encode(signature(key, pae(kind, payload))).decode()} for key, keyid in signers
    ]
    return {"payloadType": label.decode(), "payload": base64.b64encode(payload).decode(), "signatures": signatures}


SECRET = []
scratch = tempfile.TemporaryDirectory(prefix="labctl-attacks-")
ROOT = pathlib.Path(scratch.name)
driver, content = ROOT / "driver.deb", ROOT / "content.bin"
driver.write_bytes(b"driver")
content.write_bytes(b"content")
SCENARIO = ROOT / "release.yaml"
SCENARIO.write_bytes((pathlib.Path(__file__).resolve().parents[1] / "bundle/release.yaml").read_bytes())
SETTINGS = ("--set", "warnings=fail")

# ---- keys ----
key, other = ROOT / "gate.pem", ROOT / "other.pem"
made = labctl("keygen", key)
expect("keygen", made, 0, "key id:")
KEYID = made.stdout.decode().split("key id:")[1].strip()
OTHER_ID = labctl("keygen", "--type", "p256", other).stdout.decode().split("key id:")[1].strip()
pub, other_pub = ROOT / "gate.pem.pub", ROOT / "other.pem.pub"
SECRET[:] = [line for file in (key, other) for line in file.read_text().splitlines() if "-----" not in line]
if key.stat().st_mode & 0o777 != 0o600:
    failures.append("keygen: the private key is readable by others")
before = key.read_bytes()
expect("keygen overwrites nothing", labctl("keygen", key), 2, "never overwritten")
(ROOT / "third.pem.pub").write_text("mine")
expect("keygen overwrites no public key", labctl("keygen", ROOT / "third.pem"), 2, "never overwritten")
if key.read_bytes() != before or (ROOT / "third.pem").exists():
    failures.append("keygen: something was overwritten or left behind")

# ---- a passed run, signed ----
bundle = make_bundle("passed")
expect("attest", labctl("attest", bundle, "--sign", key), 0, "passed, signed")
good = bundle / "attestation.json"
FILES = ["--artifact", driver, content]
WHOLE = ["--key", pub, *FILES]


def verify(attestation, *words):
    return labctl("verify", attestation, *words)


def written(value):
    file = ROOT / "attack.json"
    file.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return file


expect("the good one", verify(good, *WHOLE), 0, "PASSED: sensor-release, 2 files, 1 cells, 3 boots proved")
expect("attest does not replace", labctl("attest", bundle, "--sign", key), 2, "already")
expect("every wish at once", verify(good, *WHOLE, "--scenario", SCENARIO, *SETTINGS, "--max-age", "1h", "--require", "debian.*", "--min-boots", 3), 0)
expect("judge agrees", labctl("judge", bundle), 0, "PASSED")

ENVELOPE = json.loads(good.read_text())
PAYLOAD = base64.b64decode(ENVELOPE["payload"])
STATEMENT = json.loads(PAYLOAD)
ME, OTHER = (key, KEYID), (other, OTHER_ID)
expect("the same, signed by openssl", verify(written(envelope(PAYLOAD, ME)), *WHOLE), 0)
expect("the same with two keys", verify(written(envelope(PAYLOAD, ME, OTHER)), "--key", other_pub, *WHOLE), 0)

# ---- bytes ----
for file in (driver, content):
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        expect(f"byte {place} of {file.name}", verify(good, *WHOLE), 1, "was not tested")
    file.write_bytes(whole + b"\0")
    expect(f"{file.name} grown", verify(good, *WHOLE), 1, "was not tested")
    file.write_bytes(whole[:-1])
    expect(f"{file.name} cut", verify(good, *WHOLE), 1, "was not tested")
    file.write_bytes(whole)

for name in ("payload", "sig"):
    holder = ENVELOPE if name == "payload" else ENVELOPE["signatures"][0]
    text = holder[name]
    # Samples: attest_test.cc changes each byte of both, without a process for each.
    for place in {0, 1, 2, 3, len(text) - 1, len(text) - 2, *range(0, len(text), 8 if name == "sig" else 1000)}:
        for letter in "AB/=":
            if text[place] == letter:
                continue
            holder[name] = text[:place] + letter + text[place + 1 :]
            ended = verify(written(ENVELOPE), *WHOLE)
            if ended.returncode not in (1, 2):
                failures.append(f"{name} changed at {place} to {letter}: exit {ended.returncode}")
            tried += 1
    holder[name] = text
for place in range(0, len(PAYLOAD), 500):
    changed = PAYLOAD[:place] + bytes([PAYLOAD[place] ^ 1]) + PAYLOAD[place + 1 :]
    expect(f"payload byte {place}", verify(written({**ENVELOPE, "payload": base64.b64encode(changed).decode()}), *WHOLE), 1, "not good")
expect("another key id", verify(written({**ENVELOPE, "signatures": [{**ENVELOPE["signatures"][0], "keyid": "0" * 64}]}), *WHOLE), 1, "none of the given keys")

# ---- files ----
third = ROOT / "third.bin"
third.write_bytes(b"third")
expect("a file that was not tested", verify(good, *WHOLE, third), 1, "'%s' was not tested" % third)
expect("a subject without its file", verify(good, "--key", pub, "--artifact", driver), 1, "'content.bin' was tested")
expect("no files", verify(good, "--key", pub), 2, "--artifact")
expect("a file that is missing", verify(good, *WHOLE, ROOT / "none"), 2, "cannot open")
expect("a folder with other files", verify(good, *WHOLE, ROOT), 1, "was not tested: no subject has its sha256")
link = ROOT / "link.deb"
link.symlink_to(driver)
expect("a symbolic link to the right file", verify(good, "--key", pub, "--artifact", link, content), 2, "symbolic link")
os.mkfifo(ROOT / "pipe")
expect("a pipe", verify(good, *WHOLE, ROOT / "pipe"), 2, "not a regular file")

# ---- other attestations ----
blocked = make_bundle("blocked")
expect("attest what was blocked", labctl("attest", blocked, "--sign", key), 0, "blocked, signed")
expect("a blocked one", verify(blocked / "attestation.json", *WHOLE), 1, "'blocked'")
failed = make_bundle("no-verdict")
expect("attest what has no verdict", labctl("attest", failed, "--sign", key), 0, "no-verdict, signed")
expect("one without a verdict", verify(failed / "attestation.json", *WHOLE), 1, "'no-verdict'")
for attested, result in ((blocked, "FAILED"), (failed, "FAILED")):
    said = json.loads(base64.b64decode(json.loads((attested / "attestation.json").read_text())["payload"]))
    if said["predicate"]["result"] != result or said["predicate"]["passedTests"]:
        failures.append(f"{attested}: {said['predicate']}")


def signed(change, **more):
    """A statement changed and signed again with the right key: what only the contents can refuse."""
    statement = json.loads(PAYLOAD)
    change(statement)
    return written(envelope(json.dumps(statement).encode(), ME, **more))


def others(statement):
    statement["subject"][0]["digest"]["sha256"] = "0" * 64


def without_subject(statement):
    del statement["subject"][1]


expect("another artifact's attestation", verify(signed(others), *WHOLE), 1, "was not tested")
expect("a subject removed and signed", verify(signed(without_subject), *WHOLE), 1, "was not tested")
stripped = {**STATEMENT, "subject": STATEMENT["subject"][:1]}
unsigned_change = {**ENVELOPE, "payload": base64.b64encode(json.dumps(stripped).encode()).decode()}
expect("a subject removed", verify(written(unsigned_change), "--key", pub, "--artifact", content), 1, "not good")
expect("PASSED over a blocked verdict", verify(signed(lambda s: s["predicate"].update(failedTests=["x"])), *WHOLE), 1, "failed cells")
expect("another predicate", verify(signed(lambda s: s.update(predicateType="https://slsa.dev/provenance/v1")), *WHOLE), 1, "not a test result")
expect("no subjects", verify(signed(lambda s: s.update(subject=[])), *WHOLE), 1, "no artifact")
expect("another payload type", verify(written({**ENVELOPE, "payloadType": "application/json"}), *WHOLE), 1, "of type")
expect("another payload type, signed", verify(written(envelope(PAYLOAD, ME, kind=b"text/plain", label=b"text/plain")), *WHOLE), 1, "of type")
expect("signed as another type", verify(written(envelope(PAYLOAD, ME, kind=b"text/plain")), *WHOLE), 1, "not good")
expect("a payload that is no statement", verify(written(envelope(b"[]", ME)), *WHOLE), 1, "cannot be used")
expect("a payload that is not UTF-8", verify(written(envelope(b'{"_type":"\xff"}', ME)), *WHOLE), 1, "not valid JSON")
expect("a payload without an end", verify(written(envelope(b"[" * 100000, ME)), *WHOLE), 1)
expect("a payload with a key twice", verify(written(envelope(PAYLOAD.replace(b'{"_type"', b'{"_type":"x","_type"', 1), ME)), *WHOLE), 1, "occurs twice")

# ---- keys and signatures ----
expect("the wrong key", verify(good, "--key", other_pub, *FILES), 1, "none of the given keys")
expect("no key", verify(good, *FILES), 2, "--key")
expect("a private key to verify", verify(good, "--key", key, *FILES), 2, "private key")
expect("the same key twice", verify(good, "--key", pub, *WHOLE), 2, "twice")
expect("a key that has not signed", verify(good, "--key", other_pub, *WHOLE), 1, "has not signed")
expect("unsigned", verify(written({**ENVELOPE, "signatures": []}), *WHOLE), 2, "not signed")
expect("no envelope", verify(written(STATEMENT), *WHOLE), 2, "no payload")
two = envelope(PAYLOAD, ME, OTHER)
expect("two signatures, one unknown", verify(written(two), *WHOLE), 1, "none of the given keys")
for bad in (0, 1):
    spoiled = json.loads(json.dumps(two))
    raw = bytearray(base64.b64decode(spoiled["signatures"][bad]["sig"]))
    raw[-1] ^= 1
    spoiled["signatures"][bad]["sig"] = base64.b64encode(raw).decode()
    expect(f"two signatures, number {bad} bad", verify(written(spoiled), "--key", other_pub, *WHOLE), 1, "not good")
    expect(f"two signatures, number {bad} bad, one key", verify(written(spoiled), *WHOLE), 1)
expect("one key twice", verify(written(envelope(PAYLOAD, ME, ME)), *WHOLE), 1, "twice")

# ---- hostile texts ----
TEXT = good.read_text()
for name, text in {
    "nothing": b"",
    "noise": os.urandom(4096),
    "no UTF-8": TEXT.encode().replace(b"keyid", b"key\xff"),
    "a NUL": TEXT.encode() + b"\0",
    "huge": b" " * (17 << 20),
    "deep": b'{"payload":' * 50000,
    "base64 in another spelling": TEXT.replace('"payload": "', '"payload": "\\n').encode(),
    "duplicate payload": TEXT.replace('"payload":', '"payload": "e30=", "payload":').encode(),
    "duplicate signatures": TEXT.replace('"signatures":', '"signatures": [], "signatures":').encode(),
    "two documents": (TEXT + TEXT).encode(),
}.items():
    expect(name, verify(written(text), *WHOLE), 2)
expect("a missing attestation", verify(ROOT / "none.json", *WHOLE), 2, "cannot open")

# ---- time ----
old = make_bundle("passed", "2001-01-01T00:00:00Z", "2001-01-01T01:00:00Z")
labctl("attest", old, "--sign", key)
expect("an old one, age not asked", verify(old / "attestation.json", *WHOLE), 0)
expect("too old", verify(old / "attestation.json", *WHOLE, "--max-age", "720h"), 1, "too old")
future = make_bundle("passed", "2001-01-01T00:00:00Z", "2999-01-01T01:00:00Z")
labctl("attest", future, "--sign", key)
expect("from the future", verify(future / "attestation.json", *WHOLE), 1, "from the future")
expect("an age without a unit", verify(good, *WHOLE, "--max-age", "20"), 2, "--max-age")

# ---- wishes ----
(ROOT / "other.yaml").write_text(SCENARIO.read_text() + "\n")
expect("another scenario", verify(good, *WHOLE, "--scenario", ROOT / "other.yaml", *SETTINGS), 1, "another scenario")
expect("other values than were run", verify(good, *WHOLE, "--scenario", SCENARIO, "--set", "warnings=allow"), 1, "with these --set values")
expect("a scenario without its values", verify(good, *WHOLE, "--scenario", SCENARIO), 2, "warnings")
expect("values without a scenario", verify(good, *WHOLE, *SETTINGS), 2, "--set without --scenario")
expect("a value that the scenario has not", verify(good, *WHOLE, "--scenario", SCENARIO, *SETTINGS, "--set", "driver=x"), 2, "driver")
DISK = json.loads((bundle / "run.json").read_text())["images"][0]["sha256"]
expect("the image that was reviewed", verify(good, *WHOLE, "--image", f"debian={DISK}"), 0)
expect("another image", verify(good, *WHOLE, "--image", f"debian={'0' * 64}"), 1, "the image 'debian' was another one")
expect("an image that was not used", verify(good, *WHOLE, "--image", f"debian={DISK}", "--image", f"ubuntu={DISK}"), 1, "no image 'ubuntu'")
for wrong in ("debian", "debian=", f"={DISK}", "debian=abc"):
    expect(f"--image {wrong}", verify(good, *WHOLE, "--image", wrong), 2, "NAME=SHA256")
expect("an image with two digests", verify(good, *WHOLE, "--image", f"debian={DISK}", "--image", f"debian={'0' * 64}"), 2, "two digests")
expect("no such cell", verify(good, *WHOLE, "--require", "debian.*", "--require", "windows*"), 1, "'windows*'")
expect("too few boots", verify(good, *WHOLE, "--min-boots", 4), 1, "--min-boots")

# ---- bundles ----
JOURNAL = "cells/debian.driver-candidate.content-candidate/events.jsonl"


def changed_bundle(source, file, change):
    target = pathlib.Path(tempfile.mkdtemp(dir=ROOT)) / "bundle"
    shutil.copytree(source, target)
    (target / "attestation.json").unlink()
    (target / file).write_bytes(change((target / file).read_bytes()))
    return target


def refused(name, target, code, text):
    expect(name, labctl("judge", target), code, text)
    ended = labctl("attest", target, "--sign", key)
    if ended.returncode == 0 or (target / "attestation.json").exists():
        failures.append(f"{name}: it was signed")


def lines(edit):
    def change(text):
        rows = text.splitlines(keepends=True)
        edit(rows)
        return b"".join(rows)

    return change


refused("an edited record", changed_bundle(bundle, JOURNAL, lambda t: t.replace(b'"taint=', b'"taint=0', 1)), 3, "edited, cut or reordered")
refused("a record removed", changed_bundle(bundle, JOURNAL, lines(lambda rows: rows.pop(20))), 3, "edited, cut or reordered")
refused("records swapped", changed_bundle(bundle, JOURNAL, lines(lambda rows: rows.insert(20, rows.pop(21)))), 3, "edited, cut or reordered")
refused("the last record removed", changed_bundle(bundle, JOURNAL, lines(lambda rows: rows.pop())), 3, "derived from the recorded events")
refused("the last record edited", changed_bundle(bundle, JOURNAL, lambda t: t[:-2] + b" }\n"), 3, "derived from the recorded events")
refused("half a journal", changed_bundle(bundle, JOURNAL, lambda t: t[: len(t) // 2]), 3, "torn")
refused("the control's journal", changed_bundle(bundle, JOURNAL, lambda _: (bundle / "cells/debian.control/events.jsonl").read_bytes()), 3, "does not begin this cell's journal")
refused("a verdict edited to passed", changed_bundle(blocked, "verdict.json", lambda t: t.replace(b'"blocked"', b'"passed"')), 1, "derived from the recorded events")
refused("a verdict edited in a word", changed_bundle(bundle, "verdict.json", lambda t: t.replace(b"sensor-release", b"sensor-Release")), 3, "derived from the recorded events")
refused("other artifacts in run.json", changed_bundle(bundle, "run.json", lambda t: t.replace(b'"build/content.bin"', b'"build/content.new"', 1)), 3, "other artifacts")
digest = next(a["sha256"] for a in json.loads((bundle / "run.json").read_text())["artefacts"]).encode()
refused("another digest in run.json", changed_bundle(bundle, "run.json", lambda t: t.replace(digest, b"0" * 64)), 3, "other artifacts")


def said_of_the_run(**words):
    def change(text):
        run = json.loads(text)
        run.update(words)
        return json.dumps({key: value for key, value in run.items() if value is not None}).encode()

    return changed_bundle(bundle, "run.json", change)


def canary_of(**words):
    return changed_bundle(bundle, "canary/debian.json", lambda text: json.dumps({**json.loads(text), **words}).encode())


refused("a run of an older rule set", said_of_the_run(rules=None), 3, "not asked then")
refused("a run of a newer rule set", said_of_the_run(rules=99), 3, "rule set 99")
refused("another image in run.json", changed_bundle(bundle, "run.json", lambda t: t.replace(DISK.encode(), b"0" * 64, 1)), 3,
        "of another image")
refused("another image everywhere in run.json", changed_bundle(bundle, "run.json", lambda t: t.replace(DISK.encode(), b"0" * 64)), 3,
        "of another image")
refused("a canary of 1970", canary_of(made_unix=0), 3, "too old: it was made 1970-01-01")
refused("a canary from the future", canary_of(made_unix=32503680000), 3, "from the future")
refused("a canary of another image", canary_of(image_sha256="0" * 64), 3, "of another image")
refused("a canary of another host", canary_of(key="0" * 64), 3, "another host, machine or snapshot")
refused("a run that was never finished", said_of_the_run(faults=None), 3, "never finished")
refused("a fault of the run", said_of_the_run(faults=["an image changed"]), 3, "an image changed")
refused("a fault that is no text", said_of_the_run(faults=[None]), 2, "faults: expected a list of texts")
refused("a run that was interrupted", said_of_the_run(interrupted=True), 130, "interrupted")

# ---- signing ----
loose = ROOT / "loose.pem"
shutil.copy(key, loose)
loose.chmod(0o640)
fresh = make_bundle("passed")
expect("a key that others may read", labctl("attest", fresh, "--sign", loose), 2, "chmod 600")
expect("a public key to sign", labctl("attest", fresh, "--sign", pub), 2)
expect("no key to sign", labctl("attest", fresh), 2, "--sign")
expect("a key that is missing", labctl("attest", fresh, "--sign", ROOT / "none.pem"), 2, "cannot open")
for name, words in {"rsa.pem": ["-algorithm", "RSA"], "p384.pem": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
                    "explicit.pem": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
                    "x25519.pem": ["-algorithm", "X25519"]}.items():
    openssl("genpkey", *words, "-out", ROOT / name)
    (ROOT / name).chmod(0o600)
    openssl("pkey", "-in", ROOT / name, "-pubout", "-out", ROOT / (name + ".pub"))
    expect(f"sign with {name}", labctl("attest", fresh, "--sign", ROOT / name), 2, "of a kind that is not taken")
    expect(f"verify with {name}", verify(good, "--key", ROOT / (name + ".pub"), *FILES), 2, "of a kind that is not taken")
expect("run looks at the key first", labctl("run", SCENARIO, "--sign", loose), 2)
if (fresh / "attestation.json").exists():
    failures.append("a refused key left an attestation")

print(f"{tried} attempts")
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
