#!/usr/bin/env python3
"""report --format ctrf, github, sarif, kcidb and otlp: others' validators take them, whatever guests have said.

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
# OpenTelemetry's own protobuf messages, as its JavaScript exporters have them: what is no member of one, or has another type, does
# not come back. In OTLP's JSON ids are hexadecimal, and not base64 as in protobuf's.
OTLP = """
const {readFileSync} = require('node:fs');
const root = require('./node_modules/@opentelemetry/otlp-transformer/build/src/generated/root');
const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const sent = JSON.parse(readFileSync(process.argv[2]));
const ids = (spans, to) => spans.forEach(span => ['traceId', 'spanId', 'parentSpanId'].filter(key => key in span).forEach(key => span[key] = to(span[key])));
const all = request => request.resourceSpans.flatMap(one => one.scopeSpans.flatMap(scope => scope.spans));
const copy = structuredClone(sent);
ids(all(copy), text => Buffer.from(text, 'hex'));
const back = Request.toObject(Request.decode(Request.encode(Request.fromObject(copy)).finish()), {longs: String, bytes: Buffer});
ids(all(back), bytes => Buffer.from(bytes).toString('hex'));
try {
  require('node:assert').deepStrictEqual(JSON.parse(JSON.stringify(back)), sent);
} catch (different) {
  console.log(different.message.slice(0, 2000));
  process.exit(1);
}
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


def kcidb(kind, text, validator):
    """By a schema of ours, made of the published description: KCIDB's own is in no package that is at hand here."""
    sent = json.loads(text)
    for mistake in validator.iter_errors(sent):
        check(False, f"{kind}: kcidb at {list(mistake.path)}: {mistake.message[:300]}")
    builds, tests = {build["id"] for build in sent["builds"]}, [test["id"] for test in sent["tests"]]
    check(len(set(tests)) == len(tests), f"{kind}: two tests have one id")
    check(all(build["checkout_id"] == sent["checkouts"][0]["id"] for build in sent["builds"]), f"{kind}: a build of no checkout")
    check(all(test["build_id"] in builds for test in sent["tests"]), f"{kind}: a test of no build")
    check((sent["tests"][0]["status"] == "PASS") == (KINDS[kind] == 0), f"{kind}: the verdict is {sent['tests'][0]['status']}")
    wanted = {"lab-failed": "ERROR", "not-run": "MISS", "passed": "PASS"}
    for test in sent["tests"][1:]:
        outcome, status = test["misc"]["outcome"], test["status"]
        check(status == wanted.get(outcome, status), f"{kind}: {outcome} is {status}")
        check(status != "FAIL" or not test["misc"]["control"], f"{kind}: a control failed the candidate")
    return {test["status"] for test in sent["tests"][1:]}


def otlp(kind, text, place, tools):
    (place / f"{kind}.otlp.json").write_bytes(text)
    done = npm.node(tools, OTLP, place / f"{kind}.otlp.json")
    check(done.returncode == 0, f"{kind}: otlp: {done.stdout[:1500]} {done.stderr[-600:]}")
    spans = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ids = {span["spanId"]: span for span in spans}
    check(len(ids) == len(spans) and len({span["traceId"] for span in spans}) == 1, f"{kind}: ids that are not unique, or two traces")
    check([span for span in spans if "parentSpanId" not in span] == spans[:1], f"{kind}: more than one root, or none")
    check((spans[0]["status"]["code"] == 1) == (KINDS[kind] == 0), f"{kind}: the status of the run is {spans[0]['status']}")
    for span in spans:
        check(re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"]), f"{kind}: an id of another form: {span}")
        check(span.get("parentSpanId", span["spanId"]) in ids, f"{kind}: a span without its parent: {span}")
        check(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), f"{kind}: a span ends before it begins: {span}")
    return spans


def main():
    tools = npm.install(pathlib.Path(sys.argv[3]).resolve())
    schema = json.loads((tools / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    kcidb_schema = json.loads((pathlib.Path(__file__).parent / "kcidb.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(kcidb_schema)
    kcidb_validator = jsonschema.Draft7Validator(kcidb_schema)
    statuses, spans = set(), []
    found = {}
    with folder() as place:
        place = pathlib.Path(place)
        for kind in KINDS:
            path = bundle(kind, place)
            ctrf(kind, report(path, "ctrf"), place, tools)
            github(kind, report(path, "github"))
            found[kind] = sarif(kind, report(path, "sarif"), validator)
            statuses |= kcidb(kind, report(path, "kcidb"), kcidb_validator)
            spans += otlp(kind, report(path, "otlp"), place, tools)
        good = json.loads((place / "example.ctrf.json").read_text())
        for name, breaking in {"no summary": lambda r: r["results"].pop("summary"), "a status": lambda r: r["results"]["tests"][0].update(status="fine"),
                               "another format": lambda r: r.update(reportFormat="X")}.items():
            broken = json.loads(json.dumps(good))
            breaking(broken)
            (place / "broken.json").write_text(json.dumps(broken))
            check(npm.node(tools, CTRF, place / "broken.json").returncode != 0, f"ctrf takes a broken report: {name}")
        sent = json.loads((place / "example.otlp.json").read_text())
        for name, breaking in {"an unknown member": lambda s: s.update(startTime=1), "a number for a text": lambda s: s.update(name=1),
                               "no time": lambda s: s.update(endTimeUnixNano="soon"), "an unknown kind": lambda s: s.update(kind="x")}.items():
            broken = json.loads(json.dumps(sent))
            breaking(broken["resourceSpans"][0]["scopeSpans"][0]["spans"][1])
            (place / "broken.json").write_text(json.dumps(broken))
            check(npm.node(tools, OTLP, place / "broken.json").returncode != 0, f"OpenTelemetry's messages take {name}")
    check({"PASS", "FAIL", "ERROR", "MISS"} <= statuses, f"no bundle of the tests shows more than {statuses}")
    check(any(span.get("events") for span in spans) and len(spans) > 20, "spans without steps or events")
    check(not kcidb_validator.is_valid({"version": {"major": 5, "minor": 0}, "tests": [{"id": "x"}]}), "KCIDB's schema takes anything")
    check(not validator.is_valid({"version": "2.1.0"}), "the SARIF schema takes anything")
    finish()


if __name__ == "__main__":
    main()
