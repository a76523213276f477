#!/usr/bin/env python3
"""A ring opens only on a fresh promotion about exactly these bytes: the way from the gate to the fleet, and each way around it.

usage: rings_test.py LABCTL MAKE_BUNDLE
"""
import base64
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import yaml

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
failures = []
tried = 0
scratch = tempfile.TemporaryDirectory(prefix="labctl-rings-")
ROOT = pathlib.Path(scratch.name)
HOUR = 3600
NOW = int(datetime.datetime.now(datetime.timezone.utc).timestamp())


def at(seconds):
    """A moment, in seconds from now."""
    return datetime.datetime.fromtimestamp(NOW + seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def call(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, timeout=600, cwd=ROOT, **more)


def labctl(*words, **more):
    return call(LABCTL, *words, **more)


def must(*words):
    ended = call(*words)
    assert ended.returncode == 0, f"{words}: {ended.stderr.decode()}"
    return ended.stdout


def expect(name, ended, code, *texts):
    global tried
    tried += 1
    output = (ended.stdout + ended.stderr).decode(errors="replace")
    if ended.returncode != code or any(text not in output for text in texts):
        failures.append(f"{name}: exit {ended.returncode} instead of {code}, wanted {texts}, was: {output.strip()}")
    if ended.args[1] == "verify" and ended.returncode == 1 and ended.stderr.count(b"\n") != 1:
        failures.append(f"{name}: not one line: {output}")


def keygen(name, *words):
    must(LABCTL, "keygen", ROOT / name, *words)
    return ROOT / name, ROOT / f"{name}.pub"


def signed_by(key, statement, name):
    """By openssl: nothing of labctl is in it."""
    payload = json.dumps(statement).encode()
    kind = b"application/vnd.in-toto+json"
    (ROOT / "data").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    signature = must("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", ROOT / "data")
    der = must("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")
    (ROOT / name).write_text(json.dumps({
        "payloadType": kind.decode(), "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": hashlib.sha256(der).hexdigest(), "sig": base64.b64encode(signature).decode()}]}))
    return ROOT / name


def payload_of(file):
    return json.loads(base64.b64decode(json.loads(pathlib.Path(file).read_text())["payload"]))


gate_key, gate_pub = keygen("gate.key")
ring_key, ring_pub = keygen("ring.key", "--type", "p256")
other_key, other_pub = keygen("other.key")
stop_key, stop_pub = keygen("stop.key")
driver, content = ROOT / "driver.deb", ROOT / "content.bin"
driver.write_bytes(b"driver")
content.write_bytes(b"content")
FILES = ("--artifact", driver, content)
shutil.copy(SOURCE / "tests/bundle/release.yaml", ROOT / "release.yaml")
PLAN = """labctl: 1
verdict: {scenario: release.yaml, max-age: 36h, require: ['debian.*'], min-boots: 3, set: {warnings: fail}}
rings:
  - {name: internal, machines: 3, soak: 2h, halt: {crashes: 1, silent: 50 %}}
  - {name: early, machines: 20, soak: 2h, crash-rate: {fine: 1/100, bad: 1/2, per: machine-day, sure: 95 %}}
  - {name: broad}
"""
(ROOT / "rings.yaml").write_text(PLAN)
(ROOT / "halts").mkdir()


def bundle(kind, *times):
    folder = must(MAKE_BUNDLE, tempfile.mkdtemp(dir=ROOT), kind, *times).decode().strip()
    must(LABCTL, "attest", folder, "--sign", gate_key)
    return pathlib.Path(folder) / "attestation.json"


verdict = bundle("passed", at(-2 * HOUR), at(-HOUR))
sha = lambda data: hashlib.sha256(data).hexdigest()  # noqa: E731


def line(ring, machine, begin, end, crashes=(), **more):
    return json.dumps({"labctl": 1, "ring": ring, "machine": machine, "driver": sha(b"driver"), "content": sha(b"content"), "kernel": "6.1.0-53",
                       "from": at(begin), "to": at(end), "boots": 1, "crashes": list(crashes), **more}) + "\n"


def reports(*lines):
    file = ROOT / "reports.jsonl"
    file.write_text("".join(lines))
    return file


QUIET = [line("internal", f"m{i}", -4 * HOUR, -60) for i in range(3)]


def promote(to, *words, sign=ring_key, attestation=verdict, rings="rings.yaml", files=FILES):
    return labctl("promote", "--to", to, "--rings", ROOT / rings, "--verdict", attestation, *files, "--key", gate_pub, "--sign", sign, *words)


def verify(promotion, ring, *words, key=ring_pub, rings="rings.yaml", files=FILES):
    return labctl("verify", promotion, "--ring", ring, "--rings", ROOT / rings, *(["--key", key] if key else []), *files, *words)


# ---- the way through ----
expect("the first ring", promote("internal"), 0, "OPEN: ring internal", "internal.json")
internal = ROOT / "internal.json"
expect("it is open", verify(internal, "internal"), 0, "OPEN: ring internal, 2 files, until ")
statement = payload_of(internal)
if statement["predicateType"] != "https://in-toto.io/attestation/svr/v0.1" or set(statement) != {"_type", "subject", "predicateType", "predicate"}:
    failures.append(f"not an SVR: {statement}")
predicate = statement["predicate"]
if predicate["properties"] != ["LABCTL_GATE_PASSED", "LABCTL_RING_INTERNAL_OPEN"] or not predicate["verifier"]["id"]:
    failures.append(f"not the properties: {predicate}")
if {s["digest"]["sha256"] for s in statement["subject"]} != {sha(b"driver"), sha(b"content")}:
    failures.append("not the subjects")
expect("the next ring waits", promote("early", "--previous", internal, "--reports", reports()), 3, "WAIT: ring early", "0 of 3 machines have had it for 2h00m")
expect("it stays closed", verify(internal, "early"), 1, "opens the ring 'internal', not 'early'")


def earlier(file, hours, name, key=ring_key, **notes):
    """The same promotion, with the ring open for so long."""
    changed = payload_of(file)
    changed["predicate"]["labctl"]["opened"]["internal"] = at(-hours * HOUR)
    changed["predicate"]["labctl"].update(notes)
    return signed_by(key, changed, name)


old = earlier(internal, 4, "internal-4h.json")
expect("a quiet ring opens the next", promote("early", "--previous", old, "--reports", reports(*QUIET)), 0, "OPEN: ring early",
       "3 machines with the candidate, 0.4 machine-days, no crash", "that is too little to exclude any rate of crashes")
early = ROOT / "early.json"
if payload_of(early)["predicate"]["properties"] != ["LABCTL_GATE_PASSED", "LABCTL_RING_INTERNAL_HELD", "LABCTL_RING_EARLY_OPEN"]:
    failures.append(f"not the properties: {payload_of(early)}")
expect("the next is open", verify(early, "early", "--halts", ROOT / "halts"), 0, "OPEN: ring early")
expect("a renewal", promote("early", "--previous", early, "--reports", reports(*QUIET), "--out", ROOT / "again.json"), 0, "again.json")
if payload_of(ROOT / "again.json")["predicate"]["labctl"]["opened"] != payload_of(early)["predicate"]["labctl"]["opened"]:
    failures.append("a renewal forgets since when its ring is open")
crash = [{"title": "BUG: sensor_parse", "module": "sensor", "at": at(-HOUR)}]
expect("a crash halts", promote("early", "--previous", old, "--reports", reports(*QUIET, line("internal", "m1", -2 * HOUR, -60, crash))), 1,
       "HALT: ring early", "'BUG: sensor_parse' on machine m1")
many = [line("early", f"e{i}", -4 * HOUR, -60, crash if i < 3 else ()) for i in range(4)]
both = earlier(early, 4, "early-4h.json", opened={"internal": at(-8 * HOUR), "early": at(-4 * HOUR)})
expect("a crash rate halts", promote("broad", "--previous", both, "--reports", reports(*QUIET, *many)), 1, "too many crashes: 1 crash")
expect("the plan of rings waits for days", promote("broad", "--previous", both, "--reports", reports(*QUIET, *(line("early", f"e{i}", -3 * HOUR, -60) for i in range(20)))), 3,
       "2.4 of 7 machine-days that no crash must be spread over")
expect("silence halts", promote("early", "--previous", earlier(internal, 60, "internal-60h.json"), "--reports", reports(*(line("internal", f"m{i}", -59 * HOUR, -58 * HOUR) for i in range(3)))), 1,
       "3 of 3 machines silent for 24h00m, 100 %")

# ---- what the gate said ----
expect("blocked", promote("internal", attestation=bundle("blocked", at(-2 * HOUR), at(-HOUR))), 1, "the gate: the run did not pass")
expect("too old", promote("internal", attestation=bundle("passed", at(-40 * HOUR), at(-39 * HOUR))), 1, "too old")
expect("another file", promote("internal", files=("--artifact", driver, gate_pub)), 1, "was not tested")
expect("half of the files", promote("internal", files=("--artifact", driver)), 1, "no given file has its bytes")
expect("signed by another", labctl("promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", verdict, *FILES, "--key", other_pub, "--sign", ring_key), 1, "none of the given keys")
expect("a promotion is no verdict", promote("internal", attestation=internal), 1, "the gate: ")
for name, change, words in (("another scenario", ("release.yaml", "other.yaml"), "another scenario"), ("other values", ("warnings: fail", "warnings: allow"), "not what was run"),
                            ("no such cell", ("debian.*", "windows.*"), "windows"), ("too few boots", ("min-boots: 3", "min-boots: 9"), "--min-boots")):
    (ROOT / "other.yaml").write_text((ROOT / "release.yaml").read_text() + "\n")
    (ROOT / "changed.yaml").write_text(PLAN.replace(*change))
    expect(name, promote("internal", rings="changed.yaml"), 1, words)
fresh = payload_of(internal)["predicate"]["labctl"]["expires"]
must(LABCTL, "promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", bundle("passed", at(-34 * HOUR), at(-33 * HOUR)), *FILES, "--key", gate_pub, "--sign", ring_key, "--out", ROOT / "short.json")
if not at(HOUR) < payload_of(ROOT / "short.json")["predicate"]["labctl"]["expires"] <= at(2 * HOUR) < fresh:
    failures.append("a promotion outlives the verdict that it stands on")

# ---- threats ----
# Replayed promotions.
expect("an expired promotion", verify(earlier(internal, 9, "expired.json", expires=at(-5)), "internal"), 1, "longer than the plan allows")
dead = payload_of(internal)
dead["predicate"]["timeCreated"], dead["predicate"]["labctl"]["expires"] = at(-6 * HOUR), at(-5)
dead = signed_by(ring_key, dead, "dead.json")
expect("a dead promoter closes its ring", verify(dead, "internal"), 1, "it expired at")
expect("an expired promotion opens nothing", promote("early", "--previous", dead, "--reports", reports(*QUIET)), 2, "it expired at")
long = payload_of(internal)
long["predicate"]["labctl"]["expires"] = at(300 * HOUR)
expect("a promotion for ever", verify(signed_by(ring_key, long, "long.json"), "internal"), 1, "longer than the plan allows")
expect("one of another ring", verify(early, "broad"), 1, "opens the ring 'early', not 'broad'")
(ROOT / "next.deb").write_bytes(b"next driver")
expect("one about other bytes", verify(internal, "internal", files=("--artifact", ROOT / "next.deb", content)), 1, "not about the file")
expect("one about more bytes", verify(internal, "internal", files=("--artifact", driver)), 1, "no given file has its bytes")
expect("a ring is not skipped", promote("broad", "--previous", old, "--reports", reports(*QUIET)), 2, "it opened the ring 'internal'")
expect("a ring is not opened without the one before", promote("early", "--reports", reports(*QUIET)), 2, "--previous")
expect("open rings are not forgotten", promote("internal", "--previous", old), 2, "--reports")
# A clock set back.
future = payload_of(internal)
future["predicate"]["timeCreated"], future["predicate"]["labctl"]["expires"] = at(HOUR), at(2 * HOUR)
future = signed_by(ring_key, future, "future.json")
expect("a clock set back", verify(future, "internal"), 1, "in the future: is the clock of this host right?")
expect("a promoter's clock set back", promote("early", "--previous", future, "--reports", reports(*QUIET)), 2, "in the future")
expect("reports from the future", promote("early", "--previous", old, "--reports", reports(*(line("internal", f"m{i}", -HOUR, HOUR) for i in range(3)))), 3,
       "3 reports from the future", "0 of 3 machines")
# rings.yaml changed under way.
(ROOT / "weaker.yaml").write_text(PLAN.replace("soak: 2h", "soak: 1m"))
expect("a plan changed under way, verify", verify(internal, "internal", rings="weaker.yaml"), 1, "another rings.yaml")
expect("a plan changed under way, promote", promote("early", "--previous", old, "--reports", reports(*QUIET), rings="weaker.yaml"), 2, "another rings.yaml")
# Forged promotions.
expect("signed by another key", verify(earlier(internal, 4, "forged.json", key=other_key), "internal"), 1, "none of the given keys")
expect("signed by the gate", verify(earlier(internal, 4, "by-gate.json", key=gate_key), "internal"), 1, "none of the given keys")
expect("a previous one of another", promote("early", "--previous", ROOT / "forged.json", "--reports", reports(*QUIET)), 2, "none of the given keys")
expect("an attestation is no promotion", verify(verdict, "internal", key=gate_pub), 1, "not a Simple Verification Result")
expect("a promotion is no attestation", labctl("verify", internal, "--key", ring_pub, *FILES), 1, "not a test result")
expect("the gate's key opens no ring", promote("internal", sign=gate_key), 2, "one of the gate's")
changed = json.loads(internal.read_text())
changed["payload"] = base64.b64encode(base64.b64decode(changed["payload"]).replace(b"internal", b"external")).decode()
(ROOT / "changed.json").write_text(json.dumps(changed))
expect("a changed promotion", verify(ROOT / "changed.json", "internal"), 1, "not good")
# Forged reports: they can be quiet, but not shorten the soak, undo a crash, or count a day twice.
flood = [line("internal", f"f{i}", -4 * HOUR, -60) for i in range(300)]
expect("quiet reports do not outweigh a crash", promote("early", "--previous", old, "--reports", reports(*flood, line("internal", "m1", -2 * HOUR, -60, crash))), 1, "HALT")
expect("quiet reports do not shorten the soak", promote("early", "--previous", earlier(internal, 1, "internal-1h.json"), "--reports", reports(*(line("internal", f"f{i}", -400 * HOUR, -60) for i in range(300)))), 3,
       "internal: 0 of 3 machines have had it for 2h00m (300 have it); 1h")
expect("a ring that has too many machines", promote("early", "--previous", earlier(internal, 4, "most.json", rings={"sha256": sha(PLAN.replace("machines: 3", "machines: 3, at-most: 5").encode())}),
                                                    "--reports", reports(*flood), rings=(ROOT / "most.yaml").write_text(PLAN.replace("machines: 3", "machines: 3, at-most: 5")) and "most.yaml"), 3, "are they all of this ring?")
for name, text, where in (("a line cut off", QUIET[0][:-9], "reports.jsonl:1"), ("a line of another kind", QUIET[0] + "[]\n", "reports.jsonl:2"),
                          ("a machine with a terminal's escape", line("internal", "\x1b[2J", -9, -1), "reports.jsonl:1: report: machine")):
    expect(name, promote("early", "--previous", old, "--reports", reports(text)), 2, where)

# ---- halts ----
expect("a halt", labctl("halt", *FILES, "--reason", "crashes in the field", "--sign", ring_key, "--out", ROOT / "halts/1.json"), 0, "HALTED in every ring: driver.deb, content.bin")
expect("a halt outranks a promotion", verify(internal, "internal", "--halts", ROOT / "halts"), 1, "halted at", "crashes in the field")
expect("a halt outranks a decision", promote("internal", "--halts", ROOT / "halts"), 1, "HALT: ring internal", "crashes in the field")
content_only = ROOT / "content-halt"
content_only.mkdir()
must(LABCTL, "halt", "--artifact", content, "--reason", "content", "--sign", ring_key, "--out", content_only / "1.json")
expect("a halt of one file is enough", verify(internal, "internal", "--halts", content_only), 1, "halted at")
must(LABCTL, "halt", "--artifact", content, gate_pub, "--reason", "another release", "--sign", ring_key, "--out", content_only / "1.json")
expect("a halt of another release is none", verify(internal, "internal", "--halts", content_only), 0)
must(LABCTL, "halt", *FILES, "--reason", "x", "--sign", other_key, "--out", content_only / "1.json")
expect("a halt by a stranger", verify(internal, "internal", "--halts", content_only), 2, "what lies among the halts is not one")
must(LABCTL, "halt", *FILES, "--reason", "x", "--sign", ring_key, "--out", content_only / "1.json")
later = payload_of(content_only / "1.json")
later["predicate"]["timeCreated"] = at(HOUR)
signed_by(ring_key, later, content_only / "1.json")
expect("a clock set back, a halt", verify(internal, "internal", "--halts", content_only), 2, "in the future")
(content_only / "1.json").write_text("{}")
expect("a halt that is damaged", verify(internal, "internal", "--halts", content_only), 2, "1.json")
expect("no folder of halts", verify(internal, "internal", "--halts", ROOT / "none"), 2, "cannot be read")
auto = ROOT / "auto"
auto.mkdir()
expect("what the field says holds at once", promote("early", "--previous", old, "--halts", auto, "--reports", reports(*QUIET, line("internal", "m1", -2 * HOUR, -60, crash))), 1, "halt: ")
expect("the ring before is closed, too", verify(internal, "internal", "--halts", auto), 1, "BUG: sensor_parse")
expect("a halt wants a reason", labctl("halt", *FILES, "--reason", " ", "--sign", ring_key), 2, "--reason")

# ---- withdrawal and keys with dates ----
(ROOT / "keys.yaml").write_text("labctl: 1\nkeys:\n  - {file: gate.key.pub, for: gate}\n  - {file: ring.key.pub, for: ring, from: 2026-01-01}\n  - {file: stop.key.pub, for: withdrawal}\n")
KEYS = ("--keys", ROOT / "keys.yaml")
expect("a list of keys, attestation", labctl("verify", verdict, *KEYS, *FILES), 0)
expect("a list of keys, promotion", verify(internal, "internal", *KEYS, key=None), 0)
expect("a key for another use", labctl("verify", earlier(internal, 4, "by-gate.json", key=gate_key), "--ring", "internal", "--rings", ROOT / "rings.yaml", *KEYS, *FILES), 1, "no key that is trusted for this")
expect("a list of keys, promote", labctl("promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", verdict, *FILES, *KEYS, "--sign", ring_key), 0)
expect("a key that is not listed for rings", labctl("promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", verdict, *FILES, *KEYS, "--sign", other_key), 2, "not listed for rings")
expect("withdraw", labctl("withdraw", verdict, "--reason", "the lab's clock was wrong", "--sign", stop_key, "--out", ROOT / "withdrawn.json"), 0, "WITHDRAWN: 1")
LIST = ("--withdrawn", ROOT / "withdrawn.json")
expect("a withdrawn attestation", labctl("verify", verdict, *KEYS, *LIST, *FILES), 1, "it was withdrawn at", "the lab's clock was wrong")
expect("a promotion that stands on it", verify(internal, "internal", *KEYS, *LIST, key=None), 1, "it was withdrawn at")
expect("promote refuses it", labctl("promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", verdict, *FILES, *KEYS, *LIST, "--sign", ring_key), 1, "it was withdrawn at")
expect("the list is renewed", labctl("withdraw", "--list", ROOT / "withdrawn.json", "--sign", stop_key, "--out", ROOT / "withdrawn2.json"), 0, "WITHDRAWN: 1")
expect("nothing comes back", labctl("verify", verdict, *KEYS, "--withdrawn", ROOT / "withdrawn2.json", *FILES), 1, "it was withdrawn at")
must(LABCTL, "withdraw", internal, "--reason", "x", "--sign", stop_key, "--out", ROOT / "one.json")
expect("another one is still good", labctl("verify", verdict, *KEYS, "--withdrawn", ROOT / "one.json", *FILES), 0)
expect("a withdrawn promotion", verify(internal, "internal", *KEYS, "--withdrawn", ROOT / "one.json", key=None), 1, "it was withdrawn at")
stale = payload_of(ROOT / "one.json")
stale["predicate"]["timeCreated"], stale["predicate"]["labctl"]["expires"] = at(-9 * HOUR), at(-5)
expect("an old list", labctl("verify", verdict, *KEYS, "--withdrawn", signed_by(stop_key, stale, "stale.json"), *FILES), 2, "it expired at")
stale["predicate"]["timeCreated"], stale["predicate"]["labctl"]["expires"] = at(HOUR), at(9 * HOUR)
expect("a clock set back, a list", labctl("verify", verdict, *KEYS, "--withdrawn", signed_by(stop_key, stale, "stale.json"), *FILES), 2, "in the future")
must(LABCTL, "withdraw", internal, "--reason", "x", "--sign", ring_key, "--out", ROOT / "one.json")
expect("a list by a key that may not", labctl("verify", verdict, *KEYS, "--withdrawn", ROOT / "one.json", *FILES), 2, "no key that is trusted for this")
expect("a list that is missing", labctl("verify", verdict, *KEYS, "--withdrawn", ROOT / "none.json", *FILES), 2, "cannot open")
DATES = "labctl: 1\nkeys:\n  - {file: gate.key.pub, for: gate, %s}\n  - {file: other.key.pub, for: gate}\n  - {file: ring.key.pub, for: ring}\n"
for name, dates, words in (("a key that has ended", "to: 2026-01-01, replaced-by: other.key.pub", "was good until 2026-01-01"), ("the key after it is named", "to: 2026-01-01, replaced-by: other.key.pub", "'other.key.pub' replaces it"),
                           ("a key that has not begun", "from: 2999-01-01", "is good from 2999-01-01")):
    (ROOT / "dates.yaml").write_text(DATES % dates)
    expect(name, labctl("verify", verdict, "--keys", ROOT / "dates.yaml", *FILES), 1, words)
for name, dates, words in (("a ring's key that has ended", "to: 2026-01-01", "was good until 2026-01-01"), ("a ring's key that has not begun", "from: 2999-01-01", "is good from 2999-01-01")):
    (ROOT / "dates.yaml").write_text(f"labctl: 1\nkeys:\n  - {{file: gate.key.pub, for: gate}}\n  - {{file: ring.key.pub, for: ring, {dates}}}\n")
    expect(name, verify(internal, "internal", "--keys", ROOT / "dates.yaml", key=None), 1, words)
    expect(f"{name}, promote", labctl("promote", "--to", "internal", "--rings", ROOT / "rings.yaml", "--verdict", verdict, *FILES, "--keys", ROOT / "dates.yaml", "--sign", ring_key), 2, words)
for name, text, words in (("one key for two uses", "  - {file: gate.key.pub, for: gate}\n  - {file: copy.pub, for: ring}\n", "the same key is given twice"),
                          ("a use that is unknown", "  - {file: gate.key.pub, for: gates}\n", "wrong.yaml:3:31"), ("dates the wrong way", "  - {file: gate.key.pub, for: gate, from: 2026-02-01, to: 2026-01-01}\n", "is before from"),
                          ("a key replaced by none", "  - {file: gate.key.pub, for: gate, replaced-by: x.pub}\n", "replaced-by"), ("a file that stands twice", "  - {file: gate.key.pub, for: gate}\n" * 2, "stands twice")):
    shutil.copy(gate_pub, ROOT / "copy.pub")
    (ROOT / "wrong.yaml").write_text("labctl: 1\nkeys:\n" + text)
    expect(name, labctl("verify", verdict, "--keys", ROOT / "wrong.yaml", *FILES), 2, words)

# ---- pages ----
pages = ("--page", ROOT / "rollout.html", "--customer-page", ROOT / "customer.html")
expect("pages of a halt", promote("early", "--previous", old, *pages, "--reports", reports(*QUIET, line("internal", "m1", -2 * HOUR, -60, crash))), 1)
for name, texts in (("rollout.html", ("Why it halts", "BUG: sensor_parse", "Content-Security-Policy")), ("customer.html", ("This release was stopped", "debian: 1 test, 3 starts"))):
    for text in texts:
        if text not in (ROOT / name).read_text():
            failures.append(f"{name} does not say '{text}'")
(ROOT / "customer.html").unlink()
expect("no page for customers of a verdict that does not hold", promote("internal", *pages, attestation=bundle("blocked", at(-2 * HOUR), at(-HOUR))), 1, "no page for customers")
if (ROOT / "customer.html").exists():
    failures.append("customers are told of a verdict that does not hold")

# ---- the commands of the how-to ----
desk = ROOT / "desk"
(desk / "halts").mkdir(parents=True)
for name, source in (("rings.yaml", "rings.yaml"), ("release.yaml", "release.yaml"), ("sensor.deb", driver), ("content.bin", content), ("attestation.json", verdict),
                     ("gate.key.pub", gate_pub), ("ring.key", ring_key), ("ring.key.pub", ring_pub), ("reports.jsonl", reports(*QUIET))):
    shutil.copy(ROOT / source, desk / name)
(desk / "labctl").symlink_to(LABCTL)
blocks = (SOURCE / "docs/how-to/roll-out-in-rings.md").read_text().split("```sh\n")[1:]
schedule, stop, ask = (block.split("```")[0] for block in blocks)


def shell(text):
    return subprocess.run(["sh", "-c", text], cwd=desk, env={**os.environ, "PATH": f"{desk}:{os.environ['PATH']}"}, capture_output=True, timeout=300)


expect("the schedule, first", shell(schedule), 3, "OPEN: ring internal", "WAIT: ring early")
shutil.copy(old, desk / "internal.json")
expect("the schedule, later", shell(schedule), 0, "OPEN: ring internal", "OPEN: ring early")
expect("the schedule, again", shell(schedule), 0, "OPEN: ring internal", "OPEN: ring early")
expect("what delivers asks", shell(ask), 0, "OPEN: ring early")
expect("a stop by hand", shell(stop), 0, "HALTED in every ring: content.bin")
expect("what delivers is refused", shell(ask), 1, "crashes in ring early")
expect("the schedule halts", shell(schedule), 1, "HALT: ring internal", "HALT: ring early")

# ---- summaries for admission controllers ----
vsa = ROOT / "vsa.json"
VSA = ("--vsa", vsa, "--resource", "pkg:deb/debian/sensor@7.16", "--sign")
check_summary = lambda *words: labctl("verify", verdict, "--key", gate_pub, *FILES, *words)  # noqa: E731
expect("a summary", check_summary(*VSA, other_key), 0, "PASSED")
summary = payload_of(vsa)
if (summary["predicateType"] != "https://slsa.dev/verification_summary/v1" or summary["predicate"]["verificationResult"] != "PASSED"
        or summary["predicate"]["resourceUri"] != VSA[3] or not {"verifier", "timeVerified", "resourceUri", "policy", "verificationResult", "verifiedLevels"} <= set(summary["predicate"])
        or {s["digest"]["sha256"] for s in summary["subject"]} != {sha(b"driver"), sha(b"content")}):
    failures.append(f"not a summary: {summary}")
if summary["predicate"]["inputAttestations"][0]["digest"]["sha256"] != sha(base64.b64decode(json.loads(verdict.read_text())["payload"])):
    failures.append("the summary names another attestation")
if summary["predicate"]["policy"]["digest"]["sha256"] != sha((ROOT / "release.yaml").read_bytes()):
    failures.append("the summary names another policy")
envelope = json.loads(vsa.read_text())
(ROOT / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
body = base64.b64decode(envelope["payload"])
(ROOT / "data").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(body), body))
must("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", other_pub, "-in", ROOT / "data", "-sigfile", ROOT / "sig")
vsa.unlink()
expect("no summary of a refusal", check_summary("--max-age", "1m", *VSA, other_key), 1, "too old")
expect("the gate's key signs no summary", check_summary(*VSA, gate_key), 2, "one of the gate's")
expect("a summary without a key", check_summary(*VSA[:-1]), 2, "--sign")
expect("a summary of nothing in particular", check_summary("--vsa", vsa, "--sign", other_key), 2, "--resource")
expect("a key for no summary", check_summary("--sign", other_key), 2, "--vsa")
expect("a summary of a promotion", verify(internal, "internal", *VSA, other_key), 2, "--ring is about a promotion")
if vsa.exists():
    failures.append("a refusal left a summary")

# ---- bad input ----
expect("no such ring", promote("beta"), 2, "its rings: internal, early, broad")
expect("a plan with a mistake", promote("internal", rings=(ROOT / "bad.yaml").write_text(PLAN.replace("soak: 2h", "soak: 2")) and "bad.yaml"), 2, "bad.yaml:4:41")
expect("no plan", promote("internal", rings="none.yaml"), 2, "cannot open")
expect("a scenario that is missing", promote("internal", rings=(ROOT / "bad.yaml").write_text(PLAN.replace("release.yaml", "gone.yaml")) and "bad.yaml"), 2, "bad.yaml:2:21")
expect("no verdict", promote("internal", attestation=ROOT / "none.json"), 2, "cannot open")
expect("a ring without a plan", labctl("verify", internal, "--ring", "internal", "--key", ring_pub, *FILES), 2, "--rings")
expect("a run's options for a promotion", verify(internal, "internal", "--max-age", "1h"), 2, "--ring is about a promotion")
expect("no key", verify(internal, "internal", key=None), 2, "--key")

# ---- the schema ----
schema = json.loads((SOURCE / "scenarios/rings.schema.json").read_text())
jsonschema.Draft7Validator.check_schema(schema)
sound = jsonschema.Draft7Validator(schema)
page = (SOURCE / "docs/reference/rings.md").read_text()
example = page.split("```yaml\n", 1)[1].split("```", 1)[0]
for name, text in (("the tests' plan", PLAN), ("the reference's plan", example)):
    if problems := [error.message for error in sound.iter_errors(yaml.safe_load(text))]:
        failures.append(f"the schema refuses {name}: {problems}")
(ROOT / "example.yaml").write_text(example)
expect("the reference's plan", promote("beta", rings="example.yaml"), 2, "its rings: internal, early, broad")
for change in (("labctl: 1", "labctl: 2"), ("max-age: 36h, ", ""), ("soak: 2h", "soak: 2"), ("name: internal", "name: Internal"), ("50 %", "50"), ("1/100", "0.01"),
               ("machines: 3", "machines: 0"), ("crashes: 1", "crash: 1"), ("per: machine-day", "per: week"), ("require: ['debian.*']", "require: []")):
    text = PLAN.replace(*change, 1)
    if text == PLAN or sound.is_valid(yaml.safe_load(text)):
        failures.append(f"the schema takes {change}")
    (ROOT / "example.yaml").write_text(text)
    expect(f"the loader refuses {change}", promote("internal", rings="example.yaml"), 2, "example.yaml:")

print(f"{tried} attempts")
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
