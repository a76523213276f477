#!/usr/bin/env python3
"""action.yml and templates/gate.yml do what they say: their shell parts are run here, on bundles without guests.

usage: components_test.py LABCTL MAKE_BUNDLE

That GitHub and GitLab take the rest is not tested: nothing that Debian packages reads such files.
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml

from desk import ROOT, Desk

LABCTL, MAKE_BUNDLE = map(os.path.abspath, sys.argv[1:3])
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
VALUES = ("driver=build/driver.deb", "content=build/content.bin")
EXIT_CODE = {"passed": 0, "blocked": 1, "no-verdict": 3}
failures = []


def check(condition, text):
    if not condition:
        failures.append(text)


def linted(name, shell, script):
    ended = subprocess.run(["shellcheck", "-s", shell, "-"], input=script, capture_output=True, text=True)
    check(ended.returncode == 0, f"{name}: {ended.stdout}")


def filled(text, inputs):
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], str(text))


def github(kind, signed):
    """The steps of the action in their order, each with the environment that it names; those of others are left out."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    with tempfile.TemporaryDirectory(prefix="labctl-action-") as folder:
        desk = Desk(folder, LABCTL, MAKE_BUNDLE)
        key = (desk.path / "gate.pem").read_text()
        inputs = {name: facts.get("default", "") for name, facts in action["inputs"].items()}
        inputs |= {"scenario": "gate/release.yaml", "set": "\n".join(VALUES) + "\n", "sign": key if signed else ""}
        files = {name: str(desk.path / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        ended = None
        for step in action["runs"]["steps"]:
            if "run" not in step or "KVM" in step["name"]:  # whose rule is for the runner itself
                continue
            environment = {name: filled(value, inputs) for name, value in step.get("env", {}).items()}
            ended = desk.run(step["run"], kind, "", BASH, RUNNER_TEMP=folder, **files, **environment)
            if ended.returncode:
                break
        said = dict(line.split("=", 1) for line in (desk.path / "github_output").read_text().splitlines())
        check(ended.returncode == EXIT_CODE[kind] == int(said["exit-code"]), f"action, {kind}: {ended} {said}")
        check((desk.path / "images").read_text() == "debian\n", f"action: images {(desk.path / 'images').read_text()}")
        check(re.fullmatch("[0-9a-f]{64}", said["digest"]), f"action: {said}")
        check((desk.path / said["bundle"] / "verdict.json").is_file(), f"action: no bundle: {said}")
        summary = (desk.path / said["bundle"] / "summary.md").read_text()
        check((desk.path / "github_step_summary").read_text() == summary, "action: another summary")
        check((desk.path / said["bundle"] / "attestation.json").exists() == signed, "action: signed, or not")
        check(kind == "passed" or "\n::error" in ended.stdout, f"action, {kind}: no annotation: {ended.stdout}")
        check(not list(desk.path.glob("tmp*")), "action: the key was left behind")


def gitlab(kind, signed):
    head, job = list(yaml.safe_load_all((ROOT / "templates/gate.yml").read_text()))
    inputs = {name: facts.get("default", "") for name, facts in head["spec"]["inputs"].items()}
    inputs |= {"scenario": "gate/release.yaml", "values": " ".join(VALUES)}
    fill = lambda text: re.sub(r"\$\[\[ inputs\.([a-z]+) \]\]", lambda found: str(inputs[found[1]]), str(text))
    [(name, job)] = job.items()
    check(fill(name) == "gate", f"component: the job is called {fill(name)}")
    check(job["artifacts"]["when"] == "always", "component: a red gate keeps no bundle")
    with tempfile.TemporaryDirectory(prefix="labctl-component-") as folder:
        desk = Desk(folder, LABCTL, MAKE_BUNDLE)
        variables = {key: fill(value) for key, value in job["variables"].items() if key.startswith("GATE_")}
        ended = desk.run("\n".join(job["script"]), kind, str(desk.path / "gate.pem") if signed else "", **variables)
        check(ended.returncode == EXIT_CODE[kind], f"component, {kind}: {ended}")
        bundles = list((desk.path / "gate-runs").iterdir())
        check(len(bundles) == 1 and (bundles[0] / "attestation.json").exists() == signed, f"component, {kind}: {bundles}")
        check(not list(desk.path.glob("tmp*")), "component: the key was left behind")


action = yaml.safe_load((ROOT / "action.yml").read_text())
for step in action["runs"]["steps"]:
    if "run" in step:
        linted(f"action.yml, {step['name']}", "bash", step["run"])
        check(step["shell"] == "bash", "a composite action's step wants its shell")
        check("${{" not in step["run"], f"action.yml, {step['name']}: an input becomes program text")
[upload] = [step for step in action["runs"]["steps"] if "upload" in step.get("uses", "")]
check(upload["if"] == "always()", "action: a red gate uploads no bundle")
for document in list(yaml.safe_load_all((ROOT / "templates/gate.yml").read_text()))[1:]:
    for job in document.values():
        linted("templates/gate.yml", "sh", "\n".join(job["script"]))

for kind in EXIT_CODE:
    for signed in (True, False):
        github(kind, signed)
        gitlab(kind, signed)

for failure in failures:
    print("FAILED:", failure)
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
