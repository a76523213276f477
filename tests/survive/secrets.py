#!/usr/bin/env python3
"""A signing key and its passphrase are nowhere but where they must be: not in a bundle, an output, an argv or an environment.

usage: secrets.py FAKE_LABCTL
"""
import os
import pathlib
import stat
import subprocess
import sys
import time

from fake import Gate

PASSPHRASE = "Kanarienvogel-7261-geheim"


def processes():
    """argv and environment of everything of ours that runs."""
    for process in pathlib.Path("/proc").iterdir():
        try:
            if process.name.isdigit() and int(process.name) != os.getpid():
                yield process.name, (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue


def main():
    gate = Gate(sys.argv[1])
    failures = []
    key = gate.root / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", f"pass:{PASSPHRASE}", "-out", key],
                   check=True, capture_output=True)
    key.chmod(0o600)
    plain = subprocess.run(["openssl", "pkey", "-in", key, "-passin", f"pass:{PASSPHRASE}"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "pkey", "-in", key, "-passin", f"pass:{PASSPHRASE}", "-outform", "DER"], check=True,
                         capture_output=True)
    # The last line of the key's own text, the private bytes, and the passphrase.
    secrets = {"the passphrase": PASSPHRASE.encode(), "the key's text": plain.stdout.splitlines()[1],
               "the key's bytes": der.stdout[-32:], "the encrypted key": key.read_bytes().splitlines()[2]}

    gate.environment["LABCTL_KEY_PASSPHRASE"] = PASSPHRASE
    with open(gate.root / "out.txt", "wb") as out:
        run = subprocess.Popen(gate.command("run", gate.scenario, "--out", gate.out, "--sign", key), env=gate.environment,
                               stdout=out, stderr=out)
        seen_guests, begun = 0, set()
        own_argv = b"".join(str(word).encode() + b"\0" for word in run.args)
        while run.poll() is None:
            for name, argv, environment in processes():
                seen_guests += b"qemu-system-x86_64" in argv and str(gate.runtime).encode() in argv
                for what, secret in secrets.items():
                    if secret in argv:
                        failures.append(f"{what} in the argv of {argv!r}")
                    # What it was started with stays in labctl's own, which only its user can read. A child that
                    # is still labctl becomes another program at once.
                    if secret in environment and int(name) != run.pid:
                        if argv == own_argv and name not in begun:
                            begun.add(name)
                            continue
                        failures.append(f"{what} in the environment of {argv!r}")
            time.sleep(0.3)
    if run.returncode != 0 or not seen_guests:
        failures.append(f"exit code {run.returncode}, guests seen {seen_guests}: {(gate.root / 'out.txt').read_text()}")

    files = [gate.root / "out.txt"] + [p for place in (gate.out, gate.cache, gate.runtime) for p in place.rglob("*") if p.is_file()]
    if not any(path.name == "attestation.json" for path in files):
        failures.append("nothing was signed")
    for path in files:
        text = path.read_bytes()
        failures += [f"{what} in {path}" for what, secret in secrets.items() if secret in text]
    for bundle in gate.bundles():
        for path in [bundle, *bundle.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077 and (path == bundle or path.suffix in (".json", ".jsonl", ".xml", ".log", ".md", ".html")):
                failures.append(f"{path} may be read by others: {mode:o}")
    gate.close()
    print(f"{len(files)} files looked at, {len(secrets)} secrets: " + ("none found" if not failures else "FAILED"))
    for failure in dict.fromkeys(failures):
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
