#!/usr/bin/env python3
"""Full disks, read-only places, two runs at once and two users, on machines made of plain code.

usage: places.py FAKE_LABCTL

Full disks are small tmpfs mounts, other users are setpriv's: both want root (77: skipped).
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from fake import Gate, Small, verdict

PROGRAM = sys.argv[1]
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


class Unchangeable:
    """Nothing below `path` can be written."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        for words in (["--bind", self.path, self.path], ["-o", "remount,bind,ro", self.path]):
            subprocess.run(["mount", *words], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)


def says(done, code, *texts):
    expect(done.returncode == code, f"exit code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    for text in texts:
        expect(text in done.stderr, f"'{text}' is not said:\n{done.stderr}")


def full_bundle(proofs):
    """The disk fills up under the bundle: never passed, and with room again the run goes on."""
    gate = Gate(PROGRAM, proofs=proofs)
    with Small(gate.out, "16m"):
        ballast = gate.out / "ballast"
        process = gate.start("run", gate.scenario, "--out", gate.out)
        while process.poll() is None and not any(gate.out.glob("*/cells/*/events.jsonl")):
            time.sleep(0.05)
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass
        code = process.wait()
        expect(code == 3, f"a full disk gives exit code {code}")
        bundle = next(path for path in gate.bundles() if path.is_dir())
        expect(gate.call("judge", bundle).returncode in (3, 4), "a bundle on a full disk is judged as if it were whole")
        expect(not gate.left_behind(), f"behind a full disk: {gate.left_behind()}")
        ballast.unlink()
        if bundle.suffix == ".partial":
            says(gate.call("run", "--resume", bundle), 0)
    gate.close()


def full_work(proofs):
    """No room for guests' disks is said before anything starts."""
    gate = Gate(PROGRAM, proofs=proofs)
    with Small(gate.cache / "work", "8m"):
        says(gate.call("run", gate.scenario, "--out", gate.out), 3, "warning: disk for the matrix", "not enough disk space", "labctl gc")
        told = gate.call("doctor", gate.scenario)
        expect(told.returncode == 3 and "error\tdisk for the matrix" in told.stdout, f"doctor: {told.returncode}\n{told.stdout}")
        expect(told.stdout.count("ok\timages: ") == 1 and told.stdout.count("are built") == 1, f"doctor: images\n{told.stdout}")
        expect(not gate.bundles(), "a bundle without a run")
    says(gate.call("run", gate.scenario, "--out", gate.out), 0)
    gate.close()


def full_store(proofs):
    """The disk fills up while an image is built, or while it is entered into the store: no image, and with room again there is one."""
    gate = Gate(PROGRAM, proofs=proofs)
    store = gate.cache / "images"
    fill = f"mount -o remount,size=3m {store}; dd if=/dev/zero of={store}/ballast bs=4k || true"  # others write meanwhile
    facts = json.dumps({"kernel_release": "6.1", "long": "x" * 3900})  # a page, and with what labctl adds another
    make = f"echo '{facts}' >guest.json; echo one >packages; dd if=/dev/zero of=disk.qcow2 bs=1M count=2"
    (gate.root / "images/box/build").chmod(0o755)
    with Small(store, "4g"):
        for name, script in (("while it is built", f"{fill}; {make}"), ("when it was built", f"{make}; {fill}")):
            (gate.root / "images/box/build").write_text(f"#!/bin/sh -e\n{script}\n")
            done = gate.call("image", "build", "box", "--disks-only")
            expect(done.returncode == 3 and "No space left on device" in done.stderr, f"full {name}: {done.returncode}\n{done.stderr}")
            subprocess.run(["mount", "-o", "remount,size=4g", store], check=True)
            (store / "ballast").unlink()
            listed = gate.call("image", "list", "--json", check=True).stdout
            expect('"sha256"' not in listed, f"full {name}: an image is there\n{listed}")
        (gate.root / "images/box/build").write_text(f"#!/bin/sh -e\n{make}\n")
        says(gate.call("image", "build", "box", "--disks-only"), 0)
        expect('"sha256"' in gate.call("image", "list", "--json", check=True).stdout, "with room again there is no image")
    gate.close()


def read_only(proofs):
    for place in ("out", "work", "r"):
        gate = Gate(PROGRAM, proofs=proofs)
        path = {"out": gate.out, "work": gate.cache / "work", "r": gate.runtime}[place]
        with Small(path, "64m", ",ro"):
            done = gate.call("run", gate.scenario, "--out", gate.out)
            says(done, 3, "Read-only file system", str(path))
        gate.close()


def read_only_cache(proofs):
    """A cache that cannot be written, images and all: told at once and with the reason, and no image is lost. Locks that cannot
    be taken are nobody's to wait for."""
    gate = Gate(PROGRAM, proofs=proofs)
    facts = next((gate.cache / "images/crate").glob("*/facts.json"))
    whole = facts.read_text()
    (facts.parents[1] / ".lock").touch()
    with Unchangeable(gate.cache):
        says(gate.call("run", gate.scenario, "--out", gate.out, timeout=60), 3, "Read-only file system", str(gate.cache))
        says(gate.call("image", "rm", "box"), 3, "Read-only file system", str(gate.cache))
        says(gate.call("image", "verify", "box"), 0)
        expect(not gate.bundles(), "a bundle without a run")
    says(gate.call("run", gate.scenario, "--out", gate.out), 0)
    with Unchangeable(gate.cache / "host/slots"):
        says(gate.call("run", gate.scenario, "--out", gate.out, timeout=120), 0)
    facts.unlink()  # an image that is not whole
    with Unchangeable(gate.cache):
        says(gate.call("image", "build", "crate", timeout=60), 3, "Read-only file system", str(gate.cache))
    facts.write_text(whole)
    gate.close()


def two_at_once(proofs):
    """Two runs of one user share images and slots; each ends with its own verdict and leaves nothing."""
    gate = Gate(PROGRAM, proofs=proofs)
    runs = [gate.start("run", gate.scenario, "--out", gate.out / str(i)) for i in range(3)]
    codes = [run.wait() for run in runs]
    expect(codes == [0, 0, 0], f"three runs at once: {codes}")
    if any(codes):
        for log in gate.out.glob("*/*.log"):  # why there was no bundle
            print(f"{log.name}:\n{log.read_text()[-4000:]}")
        gate.close()
        return
    verdicts = [verdict(next((gate.out / str(i)).iterdir())) for i in range(3)]
    expect(verdicts[0] == verdicts[1] == verdicts[2], f"three runs at once: {verdicts}")
    expect(not gate.left_behind(), f"behind three runs: {gate.left_behind()}")
    gate.close()


def two_users(proofs):
    """Another user has places of his own, and is refused those of somebody else."""
    gate, other = Gate(PROGRAM, proofs=proofs), Gate(PROGRAM, proofs=proofs)
    program = shutil.copy2(PROGRAM, "/tmp/lf-two-users")
    as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
    for path in [other.root, *other.root.rglob("*")]:
        os.chown(path, 65534, 65534)
    os.chmod(other.root, 0o755)
    first = gate.start("run", gate.scenario, "--out", gate.out)
    second = subprocess.run([*as_other, "run", other.scenario, "--out", other.out], env={**other.environment, "HOME": str(other.root)},
                            capture_output=True, text=True, cwd=other.root)
    expect(second.returncode == 0, f"the other user's run: {second.returncode}\n{second.stdout}{second.stderr}")
    expect(first.wait() == 0, "the first user's run beside another's")
    os.chmod(gate.root, 0o755)
    strange = {**other.environment, "LABCTL_RUNTIME": str(gate.runtime)}
    refused = subprocess.run([*as_other, "run", other.scenario, "--out", other.out], env=strange, capture_output=True, text=True,
                             cwd=other.root)
    expect(refused.returncode == 3, f"another's runtime folder: {refused.returncode}\n{refused.stderr}")
    strange = {**other.environment, "LABCTL_CACHE": str(gate.cache)}
    refused = subprocess.run([*as_other, "run", other.scenario, "--out", other.out], env=strange, capture_output=True, text=True,
                             cwd=other.root)
    expect(refused.returncode in (2, 3) and "belongs to another user" in refused.stderr,
           f"another's cache: {refused.returncode}\n{refused.stderr}")
    expect(not other.left_behind() and not gate.left_behind(), f"behind two users: {other.left_behind()} {gate.left_behind()}")
    os.unlink(program)
    gate.close()
    other.close()


def may_mount():
    probe = pathlib.Path("/tmp/lf-probe")
    try:
        with Small(probe, "1m"):
            pass
        probe.rmdir()
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


def main():
    if os.geteuid() != 0 or not may_mount():
        print("skipped: wants root and mounts")
        return 77
    first = Gate(PROGRAM)
    says(first.call("run", first.scenario, "--out", first.out), 0)
    for story in (full_bundle, full_work, full_store, read_only, read_only_cache, two_at_once, two_users):
        before = len(failures)
        story(first.cache)
        print(f"{story.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    first.close()
    for failure in failures:
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
