#!/usr/bin/env python3
"""A rollout on two real guests: ring internal gets sensor 7.16 by apt's phased updates, one guest is in the first phase and
gets content 291 with it. It crashes, the collector reports that, `promote` halts, and what the next ring and the other guest
are offered is unchanged. Then the same guest panics, and the collector finds that in pstore. By hand.

    ring.py LABCTL LABCTL_JUDGE MAKE_BUNDLE IMAGE SENSOR_DIR

The gate's verdict is made here: a gate that let 291 pass (the real one blocks it, tests/run.sh). Wants apt-get, jq and openssl.
"""
import base64
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

LABCTL, JUDGE, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:4])
IMAGE, SENSOR = sys.argv[4], pathlib.Path(sys.argv[5]).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROOT = pathlib.Path(tempfile.mkdtemp(prefix="labctl-ring-"))
DRIVER, CONTENT = SENSOR / "sensor_7.16.deb", SENSOR / "content-291.bin"
TITLE = "sensor_equal"
BOOT = 400  # seconds; an emulated guest on a busy host
COLLECT = "export PATH=/opt/lab/bin:$PATH; sh /opt/lab/linux.sh internal /var/lib/sensor/driver.deb /var/lib/sensor/content.bin"
began = time.monotonic()


def check(good, what, text=""):
    print(f"{time.monotonic() - began:4.0f} s  {'ok   ' if good else 'FAIL '}{what}", flush=True)
    if not good:
        sys.exit(text)


def call(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=900, cwd=ROOT, **more)


def must(*words, **more):
    done = call(*words, **more)
    assert done.returncode == 0, f"{words}: {done.stdout} {done.stderr}"
    return done.stdout


class Guest:
    """An image's disk below an overlay, QEMU's agent, and an ACPI ERST for pstore to keep a panic in."""

    def __init__(self, name, disk):
        self.name, self.folder = name, ROOT / name
        self.folder.mkdir()
        must("qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "qcow2", self.folder / "disk")
        accel = "kvm" if os.access("/dev/kvm", os.W_OK) else "tcg"
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-name", name, "-machine", f"q35,accel={accel}", "-cpu", "max", "-m", "1024", "-display", "none", "-nic", "none",
            "-drive", f"file={self.folder}/disk,if=virtio,cache=unsafe", "-drive", f"file={ROOT}/files.tar,if=virtio,format=raw,readonly=on",
            "-device", "virtio-serial", "-chardev", f"socket,path={self.folder}/agent,server=on,wait=off,id=agent",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0", "-serial", f"file:{self.folder}/console",
            "-object", f"memory-backend-file,id=erst,size=64K,mem-path={self.folder}/erst,share=on", "-device", "acpi-erst,memdev=erst"])

    def ask(self, verb, **arguments):
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(10)
            agent.connect(str(self.folder / "agent"))
            lines = agent.makefile("rw")
            mark = time.monotonic_ns() % 10**9
            for each in ({"execute": "guest-sync", "arguments": {"id": mark}}, {"execute": verb, "arguments": arguments}):
                lines.write(json.dumps(each) + "\n")
            lines.flush()
            synced = False
            while True:
                answer = json.loads(lines.readline() or "null")
                if answer is None:
                    raise OSError("the agent is gone")
                if synced:
                    return answer
                synced = answer.get("return") == mark

    def up(self):
        until = time.monotonic() + BOOT
        while time.monotonic() < until:
            with contextlib.suppress(OSError, ValueError):
                if "return" in self.ask("guest-ping"):
                    return
            assert self.process.poll() is None, f"{self.name}: QEMU ended"
            time.sleep(1)
        raise AssertionError(f"{self.name}: no agent after {BOOT} s: {(self.folder / 'console').read_text(errors='replace')[-2000:]}")

    def run(self, script, code=0, seconds=240):
        """What the script printed; its exit code is asked only where `code` is one."""
        started = self.ask("guest-exec", path="/bin/sh", arg=["-c", script], **{"capture-output": True})
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            done = self.ask("guest-exec-status", pid=started["return"]["pid"])["return"]
            if done["exited"]:
                output, errors = (base64.b64decode(done.get(name, "")).decode(errors="replace") for name in ("out-data", "err-data"))
                assert code is None or done.get("exitcode") == code, f"{self.name}: {script}: {done.get('exitcode')} {output} {errors}"
                return output + errors if code is None else output
            time.sleep(0.5)
        raise AssertionError(f"{self.name}: {script}: no end after {seconds} s")

    def put(self, path, data):
        self.run(f"base64 -d >{path} <<'END'\n{base64.b64encode(data).decode()}\nEND")

    def end(self):
        self.process.terminate()
        self.process.wait(60)


def tools():
    """What a guest is given besides its image: the collector, jq, labctl-judge and their libraries, and the releases."""
    place = ROOT / "files"
    (place / "lib").mkdir(parents=True)
    (place / "bin").mkdir()
    must("strip", "-o", place / "lib/labctl-judge", JUDGE)
    shutil.copy(shutil.which("jq"), place / "lib/jq")
    for program in (JUDGE, shutil.which("jq")):
        for library in re.findall(r"(/\S+) \(0x", must("ldd", program)):
            shutil.copy(library, place / "lib")
    for name in ("labctl-judge", "jq"):
        (place / "bin" / name).write_text(f'#!/bin/sh\nexec /opt/lab/lib/ld-linux-x86-64.so.2 --library-path /opt/lab/lib /opt/lab/lib/{name} "$@"\n')
        (place / "bin" / name).chmod(0o755)
    shutil.copy(SOURCE / "templates/collectors/linux.sh", place)
    for name in ("sensor_7.15.deb", "sensor_7.16.deb", "content-290.bin", "content-291.bin"):
        shutil.copy(SENSOR / name, place)
    with tarfile.open(ROOT / "files.tar", "w") as tar:
        tar.add(place, arcname="lab")


def moment(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def verdict():
    """The attestation of a run that passed with these files, signed by the gate's key."""
    for name in ("gate", "ring"):
        must(LABCTL, "keygen", name + ".key")
    shutil.copy(SOURCE / "tests/bundle/release.yaml", ROOT)
    bundle = must(MAKE_BUNDLE, ROOT, "passed", moment(-7200), moment(-3600)).strip()
    must(LABCTL, "attest", bundle, "--sign", "gate.key")
    envelope = json.loads((ROOT / bundle / "attestation.json").read_text())
    payload = base64.b64decode(envelope["payload"])
    for placeholder, file in ((b"driver", DRIVER), (b"content", CONTENT)):
        old = hashlib.sha256(placeholder).hexdigest().encode()
        assert old in payload, payload
        payload = payload.replace(old, hashlib.sha256(file.read_bytes()).hexdigest().encode())
    (ROOT / "pae").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload))
    must("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "gate.key", "-in", "pae", "-out", "sig")
    envelope.update(payload=base64.b64encode(payload).decode())
    envelope["signatures"][0]["sig"] = base64.b64encode((ROOT / "sig").read_bytes()).decode()
    (ROOT / "verdict.json").write_text(json.dumps(envelope))
    (ROOT / "halts").mkdir()
    (ROOT / "rings.yaml").write_text("labctl: 1\nverdict: {scenario: release.yaml, max-age: 36h, set: {warnings: fail}}\nrings:\n"
                                     "  - {name: internal, machines: 2, soak: 1h, halt: {crashes: 1}}\n  - {name: early, machines: 20, soak: 1h, halt: {crashes: 1}}\n  - {name: broad}\n")


def promote(ring, *words):
    return call(LABCTL, "promote", "--to", ring, "--rings", "rings.yaml", "--verdict", "verdict.json", "--artifact", DRIVER, CONTENT, "--key", "gate.key.pub",
                "--sign", "ring.key", "--halts", "halts", *words)


def stanzas():
    text = ""
    for version in ("7.15", "7.16"):
        deb = SENSOR / f"sensor_{version}.deb"
        text += must("dpkg-deb", "--field", deb).strip() + f"\nFilename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {hashlib.sha256(deb.read_bytes()).hexdigest()}\n\n"
    (ROOT / "Packages").write_text(text)


def phase(percent):
    done = call(SOURCE / "templates/rollout/apt-phase", "Packages", "sensor", "7.16", DRIVER, f"internal={percent}", "early=100", "--", "--artifact", CONTENT,
                "--rings", "rings.yaml", "--key", "ring.key.pub", "--halts", "halts", env={**os.environ, "LABCTL": LABCTL, "PROMOTIONS": str(ROOT)})
    assert done.returncode == 0, done
    return done.stdout.strip()


def deliver(guest, really=False):
    """The guest's own apt, on the list of packages as it is now; whether 7.16 is among what it takes."""
    guest.put("/opt/lab/Packages", (ROOT / "Packages").read_bytes())
    guest.run("echo 'deb [trusted=yes] file:/opt/lab ./' >/opt/lab/ring.list; mkdir -p /opt/lab/empty; "
              "apt-get -q -o Dir::Etc::SourceList=/opt/lab/ring.list -o Dir::Etc::SourceParts=/opt/lab/empty update 2>&1", None)
    upgrade = "apt-get -q -y -o APT::Sandbox::User=root -o Dir::Etc::SourceList=/opt/lab/ring.list -o Dir::Etc::SourceParts=/opt/lab/empty"
    takes = "Inst sensor" in guest.run(f"{upgrade} -s upgrade")
    if really and takes:
        guest.run(f"DEBIAN_FRONTEND=noninteractive {upgrade} upgrade && cp /opt/lab/sensor_7.16.deb /var/lib/sensor/driver.deb")
        guest.run("dpkg-query -W -f '${Version}' sensor | grep -x 7.16")
    return takes


def collect(*guests):
    lines = [guest.run(COLLECT) for guest in guests]
    with open(ROOT / "reports.jsonl", "a") as reports:
        reports.write("".join(lines))
    return [json.loads(line) for line in lines]


def main():
    images = json.loads(must(LABCTL, "image", "list", "--json"))["images"]
    key = next(image["facts"]["key"] for image in images if image["name"] == IMAGE)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    disk = cache / "labctl/images" / IMAGE / key[:16] / "disk.qcow2"
    assert disk.exists(), f"{disk} is missing: labctl image build {IMAGE}"
    tools()
    verdict()
    stanzas()
    guests = [Guest(name, disk) for name in ("one", "two")]
    try:
        story(guests)
    finally:
        for guest in guests:
            guest.end()
    shutil.rmtree(ROOT)


def story(guests):
    for guest in guests:
        guest.up()
        guest.run("mkdir -p /opt/lab && tar xf /dev/vdb -C /opt && rm /etc/machine-id && systemd-machine-id-setup")
        guest.run("mkdir -p /var/lib/sensor && cp /opt/lab/content-290.bin /var/lib/sensor/content.bin && cp /opt/lab/sensor_7.15.deb /var/lib/sensor/driver.deb && "
                  "dpkg -i /opt/lab/sensor_7.15.deb && sensorctl replay")
    before = collect(*guests)
    check(all(line["crashes"] == [] for line in before), "two guests run 7.15 with content 290 and report no crash", str(before))

    check(promote("internal").returncode == 0, "ring internal opens")
    for percent in range(5, 100, 5):  # a phase in which one of these two machines is, and the other is not
        phase(percent)
        takers = [deliver(guest) for guest in guests]
        if any(takers):
            break
    check(takers.count(True) == 1, f"phase {percent}: apt gives 7.16 to one of the two guests", str(takers))
    updated, waiting = sorted(guests, key=lambda guest: not takers[guests.index(guest)])
    deliver(updated, really=True)
    time.sleep(1.5)
    updated.run("cp /opt/lab/content-291.bin /var/lib/sensor/content.bin; timeout 20 systemctl reload sensor; sleep 3", None)
    after = collect(updated, waiting)
    crashes = after[0]["crashes"]
    check(any(TITLE in crash["title"] and crash["module"] == "sensor" for crash in crashes), f"the collector reports its crash: {[crash['title'] for crash in crashes]}",
          updated.run("dmesg | tail -60", None))
    check(after[0]["content"] == hashlib.sha256(CONTENT.read_bytes()).hexdigest() and after[1]["crashes"] == [], "the other guest reports none", str(after))

    halted = promote("early", "--previous", "internal.json", "--reports", "reports.jsonl")
    check(halted.returncode == 1 and "HALT: ring early" in halted.stdout and TITLE in halted.stdout, "promote --to early halts", halted.stdout + halted.stderr)
    print(halted.stdout)
    check(not (ROOT / "early.json").exists(), "ring early has no promotion")
    asked = call(LABCTL, "verify", "internal.json", "--ring", "internal", "--rings", "rings.yaml", "--key", "ring.key.pub", "--halts", "halts", "--artifact", DRIVER, CONTENT)
    check(asked.returncode == 1 and "halted at" in asked.stderr, "ring internal is closed, too", str(asked))
    check(phase(percent) == "0" and not deliver(waiting), "apt offers 7.16 to the other guest no more")

    updated.run("sysctl -q -w kernel.panic_on_oops=1 kernel.panic=1; (sleep 2; sensorctl apply /opt/lab/content-291.bin; systemctl restart sensor; systemctl reload sensor; "
                "echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")
    time.sleep(15)
    updated.up()
    kept = updated.run("mountpoint -q /sys/fs/pstore || mount -t pstore pstore /sys/fs/pstore; ls /sys/fs/pstore; "
                       "PATH=/opt/lab/bin:$PATH labctl-judge scan /sys/fs/pstore", None)
    check("dmesg-erst" in kept, "the panic is in pstore after the restart", kept + updated.run("dmesg | grep -i -e erst -e pstore", None))
    print("  " + kept.strip().replace("\n", "\n  "))
    again = collect(updated)[0]
    check(again["boots"] == 1 and len(again["crashes"]) > 0, f"the collector reports it: {[crash['title'] for crash in again['crashes']]}", str(again))
    check(collect(updated)[0]["crashes"] == [], "and reports it once")


if __name__ == "__main__":
    main()
