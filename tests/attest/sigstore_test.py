#!/usr/bin/env python3
"""Sigstore's own verifier believes `attest --format sigstore`, of both kinds of keys, and nothing that was changed.

usage: sigstore_test.py LABCTL MAKE_BUNDLE FOLDER     FOLDER keeps the verifier between runs
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "npm"))
import npm  # noqa: E402

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
VERIFY = """
const {readFileSync} = require('node:fs');
const {createPublicKey} = require('node:crypto');
const {bundleFromJSON} = require('@sigstore/bundle');
const {toSignedEntity, toTrustMaterial, Verifier} = require('@sigstore/verify');
const [name, pem, hint] = process.argv.slice(2);
const key = {publicKey: createPublicKey(readFileSync(pem)), validFor: () => true};
const none = {certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: []};
const trusted = toTrustMaterial(none, asked => { if (asked !== hint) throw new Error('no such key'); return key; });
const bundle = bundleFromJSON(JSON.parse(readFileSync(name)));
if (bundle.mediaType !== 'application/vnd.dev.sigstore.bundle.v0.3+json') throw new Error(bundle.mediaType);
new Verifier(trusted, {tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0}).verify(toSignedEntity(bundle));
process.stdout.write(bundle.content.dsseEnvelope.payload);
"""
failures = []


def must(*words):
    ended = subprocess.run([str(word) for word in words], capture_output=True, timeout=600)
    assert ended.returncode == 0, f"{words}: {ended.stderr.decode()}"
    return ended.stdout.decode()


def believes(folder, bundle, public, key_id):
    return npm.node(folder, VERIFY, bundle, public, key_id)


def refused(name, folder, bundle, public, key_id, words):
    ended = believes(folder, bundle, public, key_id)
    if ended.returncode == 0 or words not in ended.stderr:
        failures.append(f"{name}: wanted '{words}', was {ended.returncode}: {ended.stderr.strip()[-300:]}")


def main(folder):
    npm.install(folder)
    with tempfile.TemporaryDirectory(prefix="labctl-sigstore-") as scratch:
        root = pathlib.Path(scratch)
        for kind in ("ed25519", "p256"):
            key, public = root / kind, root / f"{kind}.pub"
            key_id = must(LABCTL, "keygen", "--type", kind, key).split()[-1]
            bundle = pathlib.Path(must(MAKE_BUNDLE, root / f"of-{kind}", "passed").strip())
            must(LABCTL, "attest", bundle, "--format", "sigstore", "--sign", key)
            must(LABCTL, "attest", bundle, "--sign", key)
            file = bundle / "attestation.sigstore.json"
            ended = believes(folder, file, public, key_id)
            if ended.returncode != 0:
                failures.append(f"{kind}: {ended.stderr.strip()[-500:]}")
                continue
            own = base64.b64decode(json.loads((bundle / "attestation.json").read_text())["payload"])
            if ended.stdout.encode() != own:
                failures.append(f"{kind}: another statement than attestation.json")
            again = subprocess.run([LABCTL, "attest", bundle, "--format", "sigstore", "--sign", key], capture_output=True)
            if again.returncode != 2:
                failures.append(f"{kind}: an attestation was overwritten")

            sound = json.loads(file.read_text())
            changed = json.loads(json.dumps(sound))
            changed["dsseEnvelope"]["payload"] = base64.b64encode(own.replace(b"PASSED", b"FAILED")).decode()
            (root / "changed.json").write_text(json.dumps(changed))
            refused(f"{kind}, changed payload", folder, root / "changed.json", public, key_id, "signature verification failed")
            changed = json.loads(json.dumps(sound))
            changed["dsseEnvelope"]["payloadType"] = "application/json"
            (root / "changed.json").write_text(json.dumps(changed))
            refused(f"{kind}, changed type", folder, root / "changed.json", public, key_id, "signature verification failed")
            refused(f"{kind}, another key id", folder, file, public, "0" * 64, "no such key")
            must(LABCTL, "keygen", "--type", kind, root / f"other-{kind}")
            refused(f"{kind}, another key", folder, file, root / f"other-{kind}.pub", key_id, "signature verification failed")
    for failure in failures:
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[3]).resolve()))
