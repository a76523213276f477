#!/usr/bin/env python3
"""What verify costs: the time for one large artifact against sha256sum's for the same file, as a ratio of one run.

usage: verify.py LABCTL MAKE_BUNDLE [MIB [ROUNDS]]     default 1024 MiB, 5 rounds; the file is in the page cache

Both take turns, and of each the fastest round counts: what else the host does can only make a round slower.
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

labctl, make_bundle = map(os.path.abspath, sys.argv[1:3])
mib, rounds = (int(word) for word in (sys.argv[3:] + ["1024", "5"][len(sys.argv) - 3 :]))


def must(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, **more).stdout


def seconds(*words):
    began = time.monotonic()
    must(*words)
    return time.monotonic() - began


with tempfile.TemporaryDirectory(prefix="labctl-bench-", dir="/var/tmp") as folder:
    root = pathlib.Path(folder)
    artifact, key = root / "artefact", root / "key.pem"
    with artifact.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))
    must(labctl, "keygen", key)
    bundle = pathlib.Path(must(make_bundle, root, "passed").decode().strip())
    must(labctl, "attest", bundle, "--sign", key)
    envelope = json.loads((bundle / "attestation.json").read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    digest = must("sha256sum", artifact).split()[0].decode()
    statement["subject"] = [{"name": "artefact", "digest": {"sha256": digest}}]
    payload, kind = json.dumps(statement).encode(), envelope["payloadType"].encode()
    (root / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    signature = must("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", root / "pae")
    envelope["payload"] = base64.b64encode(payload).decode()
    envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    attestation = root / "attestation.json"
    attestation.write_text(json.dumps(envelope))

    verify = [labctl, "verify", attestation, "--key", f"{key}.pub", "--artifact", artifact]
    ours, theirs = zip(*((seconds(*verify), seconds("sha256sum", artifact)) for _ in range(rounds)))
    print(f"verify {min(ours):.2f} s, sha256sum {min(theirs):.2f} s, {mib} MiB, best of {rounds}")
    print(f"ratio {min(ours) / min(theirs):.2f}")
