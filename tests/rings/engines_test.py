#!/usr/bin/env python3
"""Two tools that roll out, and the promotions that open and close them: apt's phased updates, and Ansible's batches.

usage: engines_test.py LABCTL MAKE_BUNDLE     exits 77 (skipped) where a tool is missing; LABCTL_NO_SKIPS=1 makes that a failure
"""
import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
failures = []
scratch = tempfile.TemporaryDirectory(prefix="labctl-engines-")
ROOT = pathlib.Path(scratch.name)
MACHINES = [hashlib.md5(b"machine %d" % i).hexdigest() for i in range(20)]


def check(condition, text):
    if not condition:
        failures.append(text)


def call(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, cwd=ROOT, **more)


def must(*words, **more):
    ended = call(*words, **more)
    assert ended.returncode == 0, f"{words}: {ended.stdout} {ended.stderr}"
    return ended.stdout


def moment(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


for tool in ("apt-get", "ansible-playbook"):
    if not shutil.which(tool):
        print(f"skipped: {tool} is not installed")
        sys.exit(1 if os.environ.get("LABCTL_NO_SKIPS") == "1" else 77)

driver, content = ROOT / "driver.deb", ROOT / "content.bin"
driver.write_bytes(b"driver")
content.write_bytes(b"content")
shutil.copy(SOURCE / "tests/bundle/release.yaml", ROOT)
(ROOT / "halts").mkdir()
(ROOT / "rings.yaml").write_text("""labctl: 1
verdict: {scenario: release.yaml, max-age: 36h, set: {warnings: fail}}
rings:
  - {name: internal, machines: 1, soak: 1h, halt: {crashes: 1}}
  - {name: early, machines: 1, soak: 1h, halt: {crashes: 1}}
  - {name: broad}
""")
for name in ("gate", "ring"):
    must(LABCTL, "keygen", name + ".key")
bundle = must(MAKE_BUNDLE, ROOT, "passed", moment(-7200), moment(-3600)).strip()
must(LABCTL, "attest", bundle, "--sign", "gate.key")


def promote(ring, *words):
    return call(LABCTL, "promote", "--to", ring, "--rings", "rings.yaml", "--verdict", bundle + "/attestation.json", "--artifact", driver, content,
                "--key", "gate.key.pub", "--sign", "ring.key", "--halts", "halts", *words)


def backdate(name, ring, seconds):
    """The ring opened earlier: the same promotion, signed again by openssl."""
    envelope = json.loads((ROOT / name).read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["labctl"]["opened"][ring] = moment(-seconds)
    payload = json.dumps(statement).encode()
    (ROOT / "pae").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload))
    must("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "ring.key", "-in", "pae", "-out", "sig")
    envelope.update(payload=base64.b64encode(payload).decode())
    envelope["signatures"][0]["sig"] = base64.b64encode((ROOT / "sig").read_bytes()).decode()
    (ROOT / name).write_text(json.dumps(envelope))


def report(ring, crashes=()):
    digests = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in (("driver", driver), ("content", content))}
    (ROOT / "reports.jsonl").write_text(json.dumps({"labctl": 1, "ring": ring, "machine": "m1", **digests, "from": moment(-7000), "to": moment(-30), "boots": 1,
                                                    "crashes": [{"title": title} for title in crashes]}) + "\n")


# ---- apt ----
APT = ROOT / "apt"
REPOSITORY = ROOT / "repository"
for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"):
    (APT / folder).mkdir(parents=True)
REPOSITORY.mkdir()
STANZA = "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: x <x@example.org>\nFilename: ./{}.deb\nSize: 6\nSHA256: " + "0" * 64 + "\nDescription: sample\n\n"
PACKAGES = REPOSITORY / "Packages"
PACKAGES.write_text("".join(STANZA.format(name, version, name) for name, version in (("other", "2"), ("sensor", "7.16"), ("sensor", "7.15"))))
(APT / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{REPOSITORY} ./\n")
(APT / "var/lib/dpkg/status").write_text("Package: sensor\nStatus: install ok installed\nVersion: 7.15\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: sample\n")
OPTIONS = ["-o", f"Dir={APT}", "-o", f"Dir::State::status={APT}/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root", "-o", "APT::Architecture=amd64"]


def phase(code=0):
    ended = call(SOURCE / "templates/rollout/apt-phase", PACKAGES, "sensor", "7.16", driver, "internal=20", "early=60", "broad=100", "--", "--artifact", content,
                 "--rings", "rings.yaml", "--key", "ring.key.pub", "--halts", "halts", env={**os.environ, "LABCTL": LABCTL, "PROMOTIONS": str(ROOT)})
    check(ended.returncode == code, f"apt-phase: {ended}")
    must("apt-get", *OPTIONS, "update")
    return ended.stdout.strip()


def takers():
    """Which machines of the fleet would take 7.16 now."""
    return {machine for machine in MACHINES
            if re.search(r"^Inst sensor .*7\.16", must("apt-get", *OPTIONS, "-o", f"APT::Machine-ID={machine}", "-s", "upgrade"), re.M)}


first = (phase(), takers())
check(first == ("0", set()), f"apt: somebody gets it before a ring is open: {first}")
promote("internal")
check(phase() == "20", "apt: not the phase of ring internal")
internal = takers()
check(0 < len(internal) < 12, f"apt: {len(internal)} of 20 machines take 20 %")
backdate("internal.json", "internal", 7000)
report("internal")
check(promote("early", "--previous", "internal.json", "--reports", "reports.jsonl").returncode == 0, "early does not open")
check(phase() == "60", "apt: not the phase of ring early")
early = takers()
check(internal <= early and len(internal) < len(early) < 20, f"apt: {len(early)} of 20 machines take 60 %")
report("internal", ["BUG: sensor_parse"])
check(promote("early", "--previous", "early.json", "--reports", "reports.jsonl").returncode == 1, "a crash does not halt")
check(phase() == "0" and takers() == set(), "apt: a halted release goes on")
check("7.16" not in PACKAGES.read_text() and PACKAGES.read_text().count("Package: ") == 2, "apt: what nobody may have is in the list")
shutil.rmtree(ROOT / "halts")
(ROOT / "halts").mkdir()
check(phase() == "60" and takers() == early, "apt: what was held back does not come back")
check(PACKAGES.read_text().count("Phased-Update-Percentage") == 1 and PACKAGES.read_text().count("Package: ") == 3, "apt: another package or version is phased, too")
absent = call(SOURCE / "templates/rollout/apt-phase", PACKAGES, "sensor", "9", driver, "internal=20", "--", env={**os.environ, "LABCTL": LABCTL})
check(absent.returncode == 1 and "is not in the list" in absent.stderr, f"apt-phase: a version that is not there: {absent}")

# ---- Ansible ----
(ROOT / "install.yml").write_text("""- ansible.builtin.command: {argv: [sh, "{{ playbook_dir }}/install.sh", "{{ inventory_hostname }}"]}
""")
shutil.copy(SOURCE / "templates/rollout/ansible.yml", ROOT)
(ROOT / "inventory").write_text("[internal]\n" + "".join(f"host{i} ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n" for i in range(1, 6)))


def roll_out(script):
    """Which hosts were touched, with the exit code."""
    shutil.rmtree(ROOT / "touched", ignore_errors=True)
    (ROOT / "touched").mkdir()
    (ROOT / "install.sh").write_text(f"touch {ROOT}/touched/$1\n{script}\n")
    words = {"ring": "internal", "promotion": ROOT / "internal.json", "rings": ROOT / "rings.yaml", "key": ROOT / "ring.key.pub", "halts": ROOT / "halts", "driver": driver,
             "content": content, "install": ROOT / "install.yml", "labctl": LABCTL}
    ended = call("ansible-playbook", "-i", "inventory", "ansible.yml", *(word for name, value in words.items() for word in ("-e", f"{name}={value}")),
                 env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(ROOT / "tmp"), "ANSIBLE_REMOTE_TEMP": str(ROOT / "tmp"), "HOME": str(ROOT), "LC_ALL": "C.UTF-8"})
    return ended, sorted(path.name for path in (ROOT / "touched").iterdir())


ended, touched = roll_out("true")
check(ended.returncode == 0 and touched == [f"host{i}" for i in range(1, 6)], f"ansible: an open ring: {touched} {ended.stdout[-1500:]}")
ended, touched = roll_out("test $1 != host2")
check(ended.returncode != 0 and touched == ["host1", "host2", "host3"], f"ansible: a machine that fails: {touched}")
# The first batch halts the release: the second is never touched.
ended, touched = roll_out(f"{LABCTL} halt --artifact {content} --reason 'it looks bad' --sign {ROOT}/ring.key --out {ROOT}/halts/1.json")
check(ended.returncode != 0 and touched == ["host1"] and "it looks bad" in ended.stdout, f"ansible: a halt between batches: {touched}")
ended, touched = roll_out("true")
check(ended.returncode != 0 and touched == [], f"ansible: a halted ring: {touched}")

for failure in failures:
    print("FAILED:", failure)
print(f"{len(internal)}, {len(early)} and 0 of 20 machines")
sys.exit(1 if failures else 0)
