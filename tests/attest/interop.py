#!/usr/bin/env python3
"""Others agree: openssl and securesystemslib check what labctl signed, and labctl checks what openssl signed.

usage: interop.py LABCTL MAKE_BUNDLE
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import securesystemslib.keys as independent

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
failures = []
scratch = tempfile.TemporaryDirectory(prefix="labctl-interop-")
ROOT = pathlib.Path(scratch.name)


def call(*words, env=None):
    return subprocess.run([str(w) for w in words], capture_output=True, timeout=600, env={**os.environ, **(env or {})})


def must(*words, env=None):
    ended = call(*words, env=env)
    assert ended.returncode == 0, f"{words}: {ended.stderr.decode()}"
    return ended.stdout


def check(condition, text):
    if not condition:
        failures.append(text)


def openssl(*words):
    return must("openssl", *words)


def private(name, *words):
    openssl(*words, "-out", ROOT / name)
    (ROOT / name).chmod(0o600)
    return ROOT / name


def public_of(key, *more):
    file = key.with_suffix(".pub")
    openssl("pkey", "-in", key, "-pubout", "-out", file, *more)
    return file


# Every kind of key that openssl writes and we take.
ed = private("ed.pem", "genpkey", "-algorithm", "ED25519")
ec = private("ec.pem", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
sec1 = private("sec1.pem", "ec", "-in", ec)
with_parameters = private("parameters.pem", "ecparam", "-name", "prime256v1", "-genkey")
encrypted = private("encrypted.pem", "pkcs8", "-topk8", "-in", ed, "-passout", "pass:open sesame")
old_encrypted = private("old.pem", "ec", "-in", ec, "-aes128", "-passout", "pass:open sesame")
compressed = private("compressed.pem", "ec", "-in", ec, "-conv_form", "compressed")
assert "EC PRIVATE KEY" in sec1.read_text() and "EC PARAMETERS" in with_parameters.read_text()
assert "ENCRYPTED" in encrypted.read_text() and "ENCRYPTED" in old_encrypted.read_text()
(ROOT / "passphrase").write_text("open sesame\n")
own = {}
for kind in ("ed25519", "p256"):
    own[kind] = ROOT / f"own-{kind}.pem"
    must(LABCTL, "keygen", "--type", kind, own[kind])
    openssl("pkey", "-in", own[kind], "-check", "-noout") if kind == "p256" else openssl("pkey", "-in", own[kind], "-noout")
    check(openssl("pkey", "-in", own[kind], "-pubout") == pathlib.Path(str(own[kind]) + ".pub").read_bytes(), f"{kind}: the public halves differ")

(ROOT / "driver.deb").write_bytes(b"driver")
(ROOT / "content.bin").write_bytes(b"content")
ARTIFACTS = ["--artifact", ROOT / "driver.deb", ROOT / "content.bin"]
BUNDLE = pathlib.Path(must(MAKE_BUNDLE, ROOT, "passed").decode().strip())
ATTESTATION = BUNDLE / "attestation.json"


def pae(envelope):
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def attest(*words, env=None):
    ATTESTATION.unlink(missing_ok=True)
    must(LABCTL, "attest", BUNDLE, *words, env=env)
    return json.loads(ATTESTATION.read_text())


def openssl_agrees(name, envelope, public):
    (ROOT / "pae").write_bytes(pae(envelope))
    (ROOT / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    raw = call("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", ROOT / "pae", "-sigfile", ROOT / "sig")
    check(raw.returncode == 0, f"{name}: openssl does not agree: {raw.stderr.decode()}")
    der = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")
    (ROOT / "der").write_bytes(der)
    keyid = openssl("dgst", "-sha256", "-r", ROOT / "der").split()[0].decode()
    check(envelope["signatures"][0]["keyid"] == keyid, f"{name}: the key id is not the SHA-256 of the SPKI")
    (ROOT / "pae").write_bytes(pae(envelope) + b" ")
    raw = call("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", ROOT / "pae", "-sigfile", ROOT / "sig")
    check(raw.returncode != 0, f"{name}: openssl agrees with anything")


def securesystemslib_agrees(name, envelope, public):
    signature = envelope["signatures"][0]
    raw = base64.b64decode(signature["sig"])
    spki = openssl("pkey", "-pubin", "-in", public, "-outform", "DER")
    if len(spki) == 44:
        kind, scheme, value = "ed25519", "ed25519", spki[-32:].hex()
    else:
        kind, scheme, value = "ecdsa", "ecdsa-sha2-nistp256", public.read_text()
    key = {"keyid": signature["keyid"], "keytype": kind, "scheme": scheme, "keyval": {"public": value}}
    hexed = {"keyid": signature["keyid"], "sig": raw.hex()}
    check(independent.verify_signature(key, hexed, pae(envelope)), f"{name}: securesystemslib does not agree")
    check(not independent.verify_signature(key, hexed, pae(envelope) + b" "), f"{name}: securesystemslib agrees with anything")


def labctl_agrees(name, public):
    ended = call(LABCTL, "verify", ATTESTATION, "--key", public, *ARTIFACTS)
    check(ended.returncode == 0, f"{name}: labctl does not agree: {ended.stderr.decode()}")


WITH_FILE = ["--passphrase-file", ROOT / "passphrase"]
IN_ENVIRONMENT = {"LABCTL_KEY_PASSPHRASE": "open sesame"}
for name, key, words, env, public in [
    ("ed", ed, [], {}, public_of(ed)),
    ("ec", ec, [], {}, public_of(ec)),
    ("ec sec1", sec1, [], {}, public_of(ec)),
    ("ec with parameters", with_parameters, [], {}, public_of(with_parameters)),
    ("ec compressed", compressed, [], {}, public_of(ec)),
    ("ed encrypted", encrypted, WITH_FILE, {}, public_of(ed)),
    ("ed encrypted, environment", encrypted, [], IN_ENVIRONMENT, public_of(ed)),
    ("ec encrypted", old_encrypted, WITH_FILE, {}, public_of(ec)),
    ("own ed", own["ed25519"], [], {}, pathlib.Path(str(own["ed25519"]) + ".pub")),
    ("own p256", own["p256"], [], {}, pathlib.Path(str(own["p256"]) + ".pub")),
]:
    envelope = attest("--sign", key, *words, env=env)
    openssl_agrees(name, envelope, public)
    securesystemslib_agrees(name, envelope, public)
    labctl_agrees(name, public)

compressed_public = ROOT / "compressed.pub"
openssl("ec", "-in", ec, "-pubout", "-conv_form", "compressed", "-out", compressed_public)
attest("--sign", ec)
labctl_agrees("a compressed public key", compressed_public)

for name, words, env, text in [
    ("no passphrase", [], {}, "the key is encrypted"),
    ("a wrong passphrase", [], {"LABCTL_KEY_PASSPHRASE": "wrong"}, "does not open"),
    ("an empty passphrase", [], {"LABCTL_KEY_PASSPHRASE": ""}, "does not open"),
]:
    ATTESTATION.unlink(missing_ok=True)
    ended = call(LABCTL, "attest", BUNDLE, "--sign", encrypted, *words, env=env)
    check(ended.returncode == 2 and text in ended.stderr.decode(), f"{name}: {ended}")
    check(b"sesame" not in ended.stderr and not ATTESTATION.exists(), f"{name}: more than it should")

# A key that only a command has: the same bytes, the same signature.
for name, key in (("ed", ed), ("ec", ec)):
    public = public_of(key)
    if name == "ed":  # openssl wants to know the size of what Ed25519 signs
        command = f"t=$(mktemp) && cat >$t && openssl pkeyutl -sign -rawin -inkey {key} -in $t; rm -f $t"
    else:
        command = f"openssl dgst -sha256 -sign {key}"
    envelope = attest("--sign-command", command, "--sign-public", public)
    openssl_agrees(name, envelope, public)
    securesystemslib_agrees(name, envelope, public)
    labctl_agrees(f"{name} by a command", public)
for name, command, public, text in [
    ("a command that fails", "echo no card >&2; exit 3", public_of(ec), "no card"),
    ("a command that prints nothing", "true", public_of(ec), "is not a signature by the key"),
    ("a command that prints without end", "yes", public_of(ec), ""),
    ("a command with another key", f"openssl dgst -sha256 -sign {with_parameters}", public_of(ec), "is not a signature by the key"),
    ("a command that prints text", f"openssl dgst -sha256 -sign {ec} | base64", public_of(ec), "is not a signature by the key"),
    ("a command without its public key", "true", None, "--sign-public"),
]:
    ATTESTATION.unlink(missing_ok=True)
    if command == "yes":
        command = "head -c 100000 /dev/zero"
    ended = call(LABCTL, "attest", BUNDLE, "--sign-command", command, *(["--sign-public", public] if public else []))
    check(ended.returncode in (2, 3) and text in ended.stderr.decode(), f"{name}: {ended}")
    check(not ATTESTATION.exists(), f"{name}: something was signed")

# The statement, read by what in-toto's documents ask for and not by our reader.
envelope = attest("--sign", ed)
check(set(envelope) == {"payloadType", "payload", "signatures"}, "the envelope holds something else")
statement = json.loads(base64.b64decode(envelope["payload"], validate=True))
check(statement["_type"] == "https://in-toto.io/Statement/v1", "no Statement v1")
check(set(statement) == {"_type", "subject", "predicateType", "predicate"}, "the statement holds something else")
check(statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1", "no test result")
predicate = statement["predicate"]
check(set(predicate) <= {"result", "configuration", "url", "passedTests", "warnedTests", "failedTests"}, "the predicate holds something else")
check(predicate["result"] in ("PASSED", "WARNED", "FAILED"), "the result is none")
DESCRIPTOR = {"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"}
for resource in statement["subject"] + predicate["configuration"]:
    check(set(resource) <= DESCRIPTOR, f"no resource descriptor: {resource}")
    check(re.fullmatch("[0-9a-f]{64}", resource["digest"]["sha256"]), f"no digest: {resource}")
for tests in ("passedTests", "warnedTests", "failedTests"):
    check(all(isinstance(test, str) for test in predicate[tests]), f"{tests} are no names")
configuration = {resource["name"]: resource["digest"]["sha256"] for resource in predicate["configuration"]}
check(len(configuration) == len(predicate["configuration"]), "two resources of one name")


def sha256_of(file):
    return must("sha256sum", file).split()[0].decode()


(ROOT / "waivers").write_text("labctl: 1\nwaivers: []\n")
check(configuration["waivers"] == sha256_of(ROOT / "waivers"), "waivers: another digest")
for name in ("run.json", "verdict.json"):
    check(configuration[name] == sha256_of(BUNDLE / name), f"{name}: another digest")
check({s["name"]: s["digest"]["sha256"] for s in statement["subject"]} == {n: sha256_of(ROOT / n) for n in ("driver.deb", "content.bin")}, "subjects")
verdict = json.loads((BUNDLE / "verdict.json").read_text())
noted = next(r for r in predicate["configuration"] if r["name"] == "verdict.json")["annotations"]["labctl"]["cells"]
for cell, note in zip(verdict["cells"], noted, strict=True):
    check(note["journal"] == cell["journal"], f"{cell['id']}: another journal")
    rows = (BUNDLE / "cells" / cell["id"] / "events.jsonl").read_bytes().splitlines()
    (ROOT / "row").write_bytes(rows[-1])
    check(cell["journal"] == {"sha256": sha256_of(ROOT / "row"), "events": len(rows)}, f"{cell['id']}: the head is not the last record's digest")
    (ROOT / "row").write_bytes(rows[0])
    check(json.loads(rows[1])["after"] == sha256_of(ROOT / "row"), f"{cell['id']}: the chain is not of digests")
    (ROOT / "row").write_bytes(b"labctl journal of cell " + cell["id"].encode() + b"\n")
    check(json.loads(rows[0])["after"] == sha256_of(ROOT / "row"), f"{cell['id']}: the chain begins elsewhere")

# The commands that the reference gives for checking by hand.
if shutil.which("jq"):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/reference/attestation.md").read_text()
    by_hand = re.search(r"## By hand\n\n```sh\n(.*?)```", page, re.S).group(1)
    shutil.copy(ATTESTATION, ROOT / "attestation.json")
    shutil.copy(public_of(ed), ROOT / "gate.pem.pub")
    ended = subprocess.run(["bash", "-e", "-c", by_hand], cwd=ROOT, capture_output=True, text=True)
    check(ended.returncode == 0 and "Verified Successfully" in ended.stdout, f"by hand: {ended}")
else:
    print("note: jq is not here: checking by hand was not tried")

for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
