#!/usr/bin/env python3
"""Bundles that labctl 0.1 recorded: however the code is arranged, their verdicts stay the same to the byte.

usage: recorded_test.py LABCTL MAKE_BUNDLE

tests/bundle/recorded/<name>/ holds run.json, the journals and the verdict.json of that day, without consoles and reports.
A verdict that is to change on purpose is recorded again, in the commit that changes it and says why. The bundles were recorded
before journals named their rule set: those that passed then are no pass now, and nothing else of their verdict.json changes.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]

CODES = {"passed": 3, "windows-passed": 3, "resumed": 3, "kept-control": 3, "blocked": 1, "windows-blocked": 1, "no-verdict": 3,
         "interrupted": 130}
OLDER = "the run was recorded under rule set 1, "


def judge(program, bundle, *words):
    return subprocess.run([program, "judge", str(bundle), *words], capture_output=True, text=True)


def by_newer_rules(recorded, now):
    """The verdict.json of that day with what newer rules make of a pass."""
    then = json.loads(recorded)
    if then["verdict"] != "passed":
        return recorded
    reasons = [reason for reason in json.loads(now or "{}").get("reasons", []) if reason.startswith(OLDER)]
    return json.dumps({**then, "verdict": "no-verdict", "reasons": reasons[:1]}, indent=2, ensure_ascii=False) + "\n"


def against_schema(bundle):
    """What is wrong with a bundle's run.json by its schema."""
    schema = json.loads((ROOT / "reports/run.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    return [f"run.json: {error.json_path}: {error.message[:200]}"
            for error in validator.iter_errors(json.loads((bundle / "run.json").read_text()))]


def main():
    program, make_bundle = sys.argv[1:3]
    failures = []
    bundles = sorted((pathlib.Path(__file__).parent / "recorded").iterdir())
    if [bundle.name for bundle in bundles] != sorted(CODES):
        failures.append(f"the recorded bundles are {[bundle.name for bundle in bundles]}")
    for bundle in bundles:
        recorded = (bundle / "verdict.json").read_text()
        done = judge(program, bundle, "--json")
        if done.returncode != CODES[bundle.name]:
            failures.append(f"{bundle.name}: exit code {done.returncode}\n{done.stdout[:2000]}{done.stderr}")
        expected = by_newer_rules(recorded, done.stdout)
        if done.stdout != expected:
            now, then = json.loads(done.stdout or "{}"), json.loads(expected)
            keys = [key for key in {**then, **now} if now.get(key) != then.get(key)]
            failures.append(f"{bundle.name}: verdict.json differs in {keys or 'its form'}")
        failures += [f"{bundle.name}: {problem}" for problem in against_schema(bundle)]
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([make_bundle, folder, "passed"], capture_output=True, text=True, check=True).stdout.strip()
        failures += [f"a new bundle: {problem}" for problem in against_schema(pathlib.Path(made))]
        broken = json.loads((pathlib.Path(made) / "run.json").read_text())
        (pathlib.Path(made) / "run.json").write_text(json.dumps({**broken, "verdict": "passed"}))
        if not against_schema(pathlib.Path(made)):
            failures.append("the schema accepts a member that no labctl writes")
    print("\n".join(failures) or f"{len(bundles)} recorded bundles have the verdicts that they had")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
