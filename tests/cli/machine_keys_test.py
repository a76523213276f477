#!/usr/bin/env python3
"""A machine's keys are read with the scenario: the plan has their bytes, and a file that is no certificate is a mistake at its place.

usage: machine_keys_test.py LABCTL
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

LABCTL = os.path.abspath(sys.argv[1])
KEYS = pathlib.Path(__file__).resolve().parents[1] / "scenario/good/keys"
SCENARIO = """\
labctl: 1
name: keys
candidate: {driver: {candidate: sensor.ko}}
matrix: {image: [no-such-image]}
machine: {firmware: uefi-secure, keys: [@KEYS@]}
guest: {linux: {driver: {kind: kmod}}}
"""
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def labctl(folder, keys, *words):
    (folder / "keys.yaml").write_text(SCENARIO.replace("@KEYS@", ", ".join(keys)))
    return subprocess.run([LABCTL, *words, "keys.yaml"], cwd=folder, capture_output=True, text=True, timeout=300)


def plan_of(folder, *keys):
    return json.loads(labctl(folder, keys, "plan", "--json").stdout)  # no such image is built, which is no matter here


def keys_in_plan(folder, *keys):
    return plan_of(folder, *keys)["cells"][0]["machine"]["keys"]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in KEYS.iterdir():
            shutil.copy(file, folder)
        der = ssl.PEM_cert_to_DER_cert((folder / "vendor.crt").read_text())
        (folder / "vendor.der").write_bytes(der)
        expected = {"sha256": hashlib.sha256(der).hexdigest(), "certificate": base64.b64encode(der).decode()}
        for path in ("vendor.crt", "vendor.der"):
            check(keys_in_plan(folder, path) == [{"path": path, **expected}], f"the plan with {path}")
        check([key["path"] for key in keys_in_plan(folder, "next.crt", "vendor.crt")] == ["next.crt", "vendor.crt"], "two keys, in their order")

        notes = plan_of(folder, "expired.crt", "vendor.crt")["notes"]
        check(len(notes) == 1 and "'expired.crt' (CN=A vendor of the past) expired on 2020-01-01" in notes[0], f"what expired is told, and alone: {notes}")

        (folder / "text").write_text("hello\n")
        (folder / "private.key").write_text("-----BEGIN PRIVATE " + "KEY-----\nMAA=\n-----END PRIVATE " + "KEY-----\n")
        (folder / "both").write_text((folder / "vendor.crt").read_text() + (folder / "next.crt").read_text())
        for path, words in (("text", "is not a certificate"), ("private.key", "holds a private key"), ("both", "holds several certificates"),
                            ("none", "cannot be read"), (".", "cannot be read")):
            said = labctl(folder, ["vendor.crt", path], "validate")
            check(said.returncode == 2 and f"keys.yaml:5:53: the machine's key '{path}' {words}" in said.stderr, f"{path}: {said.stderr}")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


sys.exit(main())
