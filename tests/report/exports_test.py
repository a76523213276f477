#!/usr/bin/env python3
"""report --format ctrf, github and sarif: others' validators take them, whatever guests have said.

usage: exports_test.py LABCTL SAMPLE_BUNDLE FOLDER     FOLDER keeps the validators between runs
"""
import json
import pathlib
import re
import sys

import jsonschema

from sample import KINDS, ROOT, bundle, check, finish, folder, report

sys.path.insert(0, str(ROOT / "tests/npm"))
import npm  # noqa: E402

# The package's own check: its schema, which it hands to ajv.
CTRF = """
const {readFileSync} = require('node:fs');
const {validate} = require('ctrf');
const done = validate(JSON.parse(readFileSync(process.argv[2])));
console.log(JSON.stringify(done));
process.exit(done === true || done.valid ? 0 : 1);
"""
COMMAND = re.compile(r"^::(error|warning|notice) title=[^:,\n]*::[^\n]*$")


def ctrf(kind, text, place, tools):
    (place / f"{kind}.ctrf.json").write_bytes(text)
    done = npm.node(tools, CTRF, place / f"{kind}.ctrf.json")
    check(done.returncode == 0, f"{kind}: ctrf says {done.stdout[:600]} {done.stderr[-300:]}")
    results = json.loads(text)["results"]
    statuses = [test["status"] for test in results["tests"]]
    for status in ("passed", "failed", "skipped", "pending", "other"):
        check(results["summary"][status] == statuses.count(status), f"{kind}: the summary counts {status} wrongly")
    check(results["summary"]["tests"] == len(statuses), f"{kind}: the summary counts its tests wrongly")
    check(("failed" in statuses) == (KINDS[kind] != 0), f"{kind}: verdict {results['extra']['verdict']}, and statuses {statuses}")
    return results


def github(kind, text):
    lines = text.decode().splitlines()
    commands = [line for line in lines if line.startswith("::")]
    check(lines and lines[0].startswith("::notice" if KINDS[kind] == 0 else "::error"), f"{kind}: begins with {lines[:1]}")
    for line in commands:
        check(COMMAND.match(line), f"{kind}: not a workflow command: {line!r}")
        check("##[" not in line and "##vso[" not in line, f"{kind}: a command of the old form: {line!r}")
    check(len(lines) - len(commands) <= 1 and all(re.match(r"\d+ annotations? more: ", line) for line in lines if line not in commands), f"{kind}: lines of their own: {lines}")
    levels = [line.split(" ")[0] for line in commands[1:]]
    check(levels == sorted(levels), f"{kind}: not the worst first: {levels}")
    for level in ("::error", "::warning"):
        check(sum(line.startswith(level) for line in commands) <= 10, f"{kind}: more than ten of {level}")
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text.decode()), f"{kind}: a control character")


def sarif(kind, text, validator):
    log = json.loads(text)
    for mistake in validator.iter_errors(log):
        check(False, f"{kind}: sarif at {list(mistake.path)}: {mistake.message[:300]}")
    return log["runs"][0]["results"]


def main():
    tools = npm.install(pathlib.Path(sys.argv[3]).resolve())
    schema = json.loads((tools / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    found = {}
    with folder() as place:
        place = pathlib.Path(place)
        for kind in KINDS:
            path = bundle(kind, place)
            ctrf(kind, report(path, "ctrf"), place, tools)
            github(kind, report(path, "github"))
            found[kind] = sarif(kind, report(path, "sarif"), validator)
        good = json.loads((place / "example.ctrf.json").read_text())
        for name, breaking in {"no summary": lambda r: r["results"].pop("summary"), "a status": lambda r: r["results"]["tests"][0].update(status="fine"),
                               "another format": lambda r: r.update(reportFormat="X")}.items():
            broken = json.loads(json.dumps(good))
            breaking(broken)
            (place / "broken.json").write_text(json.dumps(broken))
            check(npm.node(tools, CTRF, place / "broken.json").returncode != 0, f"ctrf takes a broken report: {name}")
    check(not validator.is_valid({"version": "2.1.0"}), "the SARIF schema takes anything")
    finish()


if __name__ == "__main__":
    main()
