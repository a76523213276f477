#!/usr/bin/env python3
"""The sample collector for Linux, on a root that is a folder: each crash is reported once, by the recogniser's title.

usage: collector_test.py LABCTL LABCTL_JUDGE
"""
import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

LABCTL, JUDGE = map(os.path.abspath, sys.argv[1:3])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
COLLECTOR = SOURCE / "templates/collectors/linux.sh"
failures = []
scratch = tempfile.TemporaryDirectory(prefix="labctl-collector-")
ROOT = pathlib.Path(scratch.name) / "root"
BIN = pathlib.Path(scratch.name) / "bin"
BIN.mkdir()
(BIN / "labctl-judge").symlink_to(JUDGE)
lines = []


def check(condition, text):
    if not condition:
        failures.append(text)


def put(name, data):
    (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / name).write_bytes(data)
    return ROOT / name


def collect(code=0):
    # Times on a file system are as coarse as a tick of the kernel's.
    time.sleep(0.05)
    ended = subprocess.run([COLLECTOR, "internal", driver, content], capture_output=True, timeout=300,
                           env={**os.environ, "ROOT": str(ROOT), "PATH": f"{BIN}:{os.environ['PATH']}"})
    time.sleep(0.05)
    check(ended.returncode == code, f"exit {ended.returncode} instead of {code}: {ended.stderr.decode()}")
    if code or ended.returncode:
        check(not ended.stdout, f"a line in spite of {code}: {ended.stdout}")
        return None
    check(ended.stdout.count(b"\n") == 1, f"not one line: {ended.stdout}")
    lines.append(ended.stdout.decode())
    return json.loads(lines[-1])


def crash(number):
    return next((SOURCE / "tests/crash/linux").glob(f"{number:03}-*")).read_bytes()


driver, content = put("lib/sensor.ko", b"driver"), put("var/lib/sensor/content.bin", b"content")
put("etc/machine-id", b"0123456789abcdef0123456789abcdef\n")
put("proc/sys/kernel/random/boot_id", b"one\n")
put("var/lib/systemd/pstore/old/dmesg.txt", crash(1))

first = collect()
check(first["crashes"] == [] and first["boots"] == 0, f"what is older than the collector is not the release's: {first}")
check(first["driver"] == hashlib.sha256(b"driver").hexdigest(), "another digest")
check("0123456789abcdef" not in lines[0], "the machine's own id is in the file")

put("var/lib/systemd/pstore/new/dmesg.txt", crash(1))
second = collect()
check([c["title"] for c in second["crashes"]] == ["BUG: kernel NULL pointer dereference in sensor_match"], f"pstore: {second}")
check(second["crashes"][0]["module"] == "sensor", f"no module: {second}")
check(second["machine"] == first["machine"] and second["from"] == first["to"], f"another machine or period: {second}")
check(collect()["crashes"] == [], "a crash is reported twice")

put("var/crash/202611220102/dmesg.202611220102", crash(4))
put("proc/sys/kernel/random/boot_id", b"two\n")
third = collect()
check(len(third["crashes"]) == 1 and third["boots"] == 1, f"/var/crash and a start: {third}")
check(collect()["boots"] == 0, "a start is reported twice")
put("var/crash/readme.txt", b"nothing happened\n")
check(collect()["crashes"] == [], "a text without a crash is one")

# Without the recogniser nothing is said, and nothing is lost.
put("var/crash/later/dmesg", crash(1))
(BIN / "labctl-judge").unlink()
(BIN / "labctl-judge").write_text("#!/bin/sh\nexit 2\n")
(BIN / "labctl-judge").chmod(0o755)
collect(code=1)
(BIN / "labctl-judge").unlink()
(BIN / "labctl-judge").symlink_to(JUDGE)
check(len(collect()["crashes"]) == 1, "a crash was lost")

time.sleep(1.1)
driver.write_bytes(b"the next driver")
time.sleep(1.1)
last = collect()
check(last["driver"] != first["driver"] and last["from"] > json.loads(lines[-2])["to"], f"the period does not begin with the new bytes: {last}")

# Lines from Windows: codes become the recogniser's titles, and all else stays as it is.
windows = [{"labctl": 1, "crashes": [{"title": "stop 0x0000007e", "module": ""}, {"title": "stop, 112226-01.dmp", "module": ""}]},
           {"labctl": 1, "crashes": []}, {"labctl": 1, "crashes": [{"title": "stop 0x000000d1"}, {"title": "stop 0x0000007e"}, {"title": "stop 0x00000999"}, {"title": "stop $(id)"}]}]
titles = lambda text: subprocess.run([COLLECTOR.parent / "windows-titles.sh"], input=text, capture_output=True, text=True, timeout=300,  # noqa: E731
                                     env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
ended = titles("".join(json.dumps(line) + "\n" for line in windows))
named = [json.loads(line) for line in ended.stdout.splitlines()]
check([[crash["title"] for crash in line["crashes"]] for line in named] ==
      [["SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)", "stop, 112226-01.dmp"], [], ["DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1)", "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)",
                                                                                   "stop code 0x999", "stop $(id)"]], f"titles of Windows: {ended}")
ended = titles(json.dumps(windows[0]) + "\nnot JSON\n")
check(ended.returncode != 0 and not ended.stdout, f"a line from Windows that cannot be read: {ended}")

# The reader takes every line: the verdict is refused (1), the reports are not (2).
work = pathlib.Path(scratch.name)
for name in ("gate", "ring"):
    subprocess.run([LABCTL, "keygen", work / f"{name}.key"], check=True, capture_output=True)
(work / "reports.jsonl").write_text("".join(lines))
(work / "scenario.yaml").write_text("labctl: 1\n")
(work / "rings.yaml").write_text("labctl: 1\nverdict: {scenario: scenario.yaml, max-age: 1h}\nrings: [{name: internal}]\n")
(work / "verdict.json").write_text(json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(b"{}").decode(),
                                               "signatures": [{"keyid": "0", "sig": "MDA="}]}))
words = [LABCTL, "promote", "--to", "internal", "--rings", work / "rings.yaml", "--verdict", work / "verdict.json", "--artifact", driver, "--key", work / "gate.key.pub",
         "--sign", work / "ring.key", "--reports", work / "reports.jsonl"]
ended = subprocess.run(words, capture_output=True, text=True, timeout=300)
check(ended.returncode == 1 and "HALT" in ended.stdout, f"the reader refuses what the collector writes: {ended}")
(work / "reports.jsonl").write_text("".join(lines) + "{}\n")
ended = subprocess.run(words, capture_output=True, text=True, timeout=300)
check(ended.returncode == 2 and f"reports.jsonl:{len(lines) + 1}" in ended.stderr, f"the reader reads nothing: {ended}")

for failure in failures:
    print("FAILED:", failure)
print(f"{len(lines)} reports")
sys.exit(1 if failures else 0)
