#!/usr/bin/env python3
"""The pipelines in docs/how-to/pipelines/ do what they say: their shell parts are run here, on bundles without guests.

usage: pipelines_test.py LABCTL MAKE_BUNDLE

The YAML is parsed and its shell checked by shellcheck; that a CI service takes the rest is not tested: Debian packages no
checker for workflow files (actionlint, gitlab-ci-lint), and a Jenkinsfile is read by Jenkins alone.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

import yaml

from desk import PIPELINES, Desk

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
failures = []

def check(condition, text):
    if not condition:
        failures.append(text)


def github():
    jobs = yaml.safe_load((PIPELINES / "github.yml").read_text())["jobs"]
    assert jobs["publish"]["needs"] == "gate"
    return [next(s["run"] for s in jobs[job]["steps"] if "run" in s) for job in ("gate", "publish")]


def gitlab():
    jobs = yaml.safe_load((PIPELINES / "gitlab.yml").read_text())
    assert jobs["publish"]["needs"] == ["gate"]
    return ["\n".join(jobs[job]["script"]) for job in ("gate", "publish")]


def jenkins():
    blocks = re.findall(r"sh '''\n(.*?)'''", (PIPELINES / "Jenkinsfile").read_text(), re.S)
    assert len(blocks) == 2
    return [textwrap.dedent(block).replace("\\\\", "\\") for block in blocks]


def play(name, gate, publish, key_is_a_file):
    for kind, tampered in (("passed", False), ("passed", True), ("blocked", False), ("no-verdict", False)):
        with tempfile.TemporaryDirectory(prefix="labctl-pipeline-") as folder:
            desk = Desk(folder, LABCTL, MAKE_BUNDLE)
            key = str(desk.path / "gate.pem") if key_is_a_file else (desk.path / "gate.pem").read_text()
            ended = desk.run(gate, kind, key)
            check((ended.returncode == 0) == (kind == "passed"), f"{name}: gate, {kind}: {ended}")
            check(not list(desk.path.glob("tmp*")), f"{name}: the key was left behind")
            if tampered:
                (desk.path / "build/content.bin").write_bytes(b"Content")
            # Even where a pipeline goes on after a gate that did not pass.
            ended = desk.run(publish, kind, key)
            good = kind == "passed" and not tampered
            check((ended.returncode == 0) == good, f"{name}: publish, {kind}, tampered {tampered}: {ended}")
            check(desk.released() == (["content.bin", "driver.deb"] if good else []), f"{name}: {kind}: {desk.released()}")
            check(not list((desk.path / "released").glob(".*")), f"{name}: something was left behind")
            shutil.rmtree(desk.path / "gate-runs")
            for file in (desk.path / "released").glob("*"):
                file.unlink()
            check(desk.run(publish, kind, key).returncode != 0 and not desk.released(), f"{name}: published without an attestation")


for name in ("github.yml", "gitlab.yml", "Jenkinsfile"):
    check(re.search(r"SCENARIO\W+gate/release.yaml", (PIPELINES / name).read_text()), f"{name}: any scenario may publish")

for name, scripts, key_is_a_file in (("github", github(), False), ("gitlab", gitlab(), True), ("jenkins", jenkins(), True)):
    play(name, *scripts, key_is_a_file)
    if shutil.which("shellcheck"):
        for script in scripts:
            linted = subprocess.run(["shellcheck", "-s", "sh", "-"], input=script, capture_output=True, text=True)
            check(linted.returncode == 0, f"{name}: {linted.stdout}")

# The publish script by itself.
with tempfile.TemporaryDirectory(prefix="labctl-pipeline-") as folder:
    desk = Desk(folder, LABCTL, MAKE_BUNDLE)
    (desk.path / "out").mkdir()
    desk.run("labctl run x --set driver=build/driver.deb --set content=build/content.bin --out out --sign gate.pem", "passed", "")
    whole = "gate/publish out/*/attestation.json gate/gate.pub released build/driver.deb build/content.bin"
    for spoiled, code in (("SCENARIO=gate/weaker.yaml " + whole, 1), (whole + " build/content.bin", 2), (whole.replace(" build/content.bin", ""), 1),
                          (whole.replace("gate/gate.pub", "gate.pem"), 2), (whole + " none", 1), ("gate/publish x", 2)):
        ended = desk.run(spoiled, "passed", "")
        check(ended.returncode == code and not desk.released(), f"{spoiled}: {ended}")
    check(desk.run(whole, "passed", "").returncode == 0, "publish refuses what it should not")
    # Published are the bytes that were verified, also through a link that could be turned.
    check((desk.path / "released/driver.deb").read_bytes() == b"driver", "something else was published")

for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
