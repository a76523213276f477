#!/usr/bin/env python3
"""verdict.json against its schema, junit.xml against the subset both readers accept, summary.md against what a guest may try."""

import copy
import json
import re
import resource
import shutil
import subprocess
import xml.etree.ElementTree as xml

import jsonschema
import junitparser

from sample import KINDS, ROOT, bundle, check, finish, folder, judge, report

SCHEMA = json.loads((ROOT / "reports/verdict.schema.json").read_text())


def strict(schema):
    """The same schema with no member allowed that it does not name: for what labctl itself writes."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: value if key in {"if", "then", "else"} else strict(value) for key, value in schema.items()}
    if "properties" in closed and closed.get("type") == "object":
        closed["additionalProperties"] = False
    return closed


def verdicts(texts):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(strict(SCHEMA))
    for kind, text in texts.items():
        for mistake in validator.iter_errors(json.loads(text)):
            check(False, f"{kind}: verdict.json at {list(mistake.path)}: {mistake.message[:300]}")
    lax = jsonschema.Draft202012Validator(SCHEMA)
    good = json.loads(texts["example"])
    breaks = {
        "no verdict": lambda v: v.pop("verdict"), "another version": lambda v: v.update(labctl=2),
        "unknown verdict": lambda v: v.update(verdict="fine"), "passed with reasons": lambda v: v.update(verdict="passed"),
        "blocked without a reason": lambda v: v.update(reasons=[]), "outcome": lambda v: v["cells"][0].update(outcome="ok"),
        "negative boots": lambda v: v["cells"][0]["boots"].update(proved=-1), "id": lambda v: v["cells"][0].update(id="../x"),
        "a list for an object": lambda v: v.update(cells={}), "no statistics": lambda v: v.pop("statistics"),
        "rate above one": lambda v: v["statistics"].update(excluded_crash_rate=1.5),
        "problem without cells": lambda v: v["problems"][0].update(cells=[]),
        "kind": lambda v: v["problems"][0].update(kind="sad"),
        "finding": lambda v: next(c for c in v["cells"] if c["findings"])["findings"][0].pop("severity"),
    }
    for name, breaking in breaks.items():
        broken = copy.deepcopy(good)
        breaking(broken)
        check(not lax.is_valid(broken), f"the schema accepts a broken verdict: {name}")
    more = copy.deepcopy(good)
    more["members"] = "may be added"
    check(lax.is_valid(more), "the schema refuses a member that a later labctl adds")


def junit_is_valid(kind, text, place):
    path = place / "junit.xml"
    path.write_bytes(text)
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", ROOT / "tests/report/junit.xsd", path], capture_output=True)
    check(done.returncode == 0, f"{kind}: junit.xml: {done.stderr.decode(errors='replace')[-400:]}")
    suite = list(junitparser.JUnitXml.fromfile(str(path)))[0]
    cases = list(suite)
    check(suite.tests == len(cases), f"{kind}: junit.xml counts {suite.tests} tests of {len(cases)}")


def junit(texts, verdict_texts, place):
    for kind, text in texts.items():
        junit_is_valid(kind, text, place)
        suite = xml.fromstring(text).find("testsuite")
        verdict = json.loads(verdict_texts[kind])
        cases = suite.findall("testcase")
        for name in ("failure", "error", "skipped"):
            plural = {"failure": "failures", "error": "errors"}.get(name, name)
            check(int(suite.get(plural)) == len(suite.findall(f"testcase/{name}")), f"{kind}: {plural} are counted wrongly")
        red = suite.findall("testcase/failure") + suite.findall("testcase/error")
        check(bool(red) == (verdict["verdict"] != "passed"), f"{kind}: {verdict['verdict']} but {len(red)} red testcases")
        check(len({case.get("name") for case in cases}) == len(cases), f"{kind}: two testcases have one name")
        check(all(case.get("classname").count(".") == 1 for case in cases if case.get("name") != "the verdict"), f"{kind}: class names")
        for cell in verdict["cells"]:
            mine = [case for case in cases if case.get("name").split(": ")[-1] == cell["id"]]
            check(len(mine) == 1, f"{kind}: {cell['id']} has {len(mine)} testcases")
            element = next((e.tag for e in mine[0] if e.tag in {"failure", "error", "skipped"}), None)
            guests = cell["outcome"] in {"crashed", "recovery", "hung", "altered", "not-loaded"}
            wanted = None if cell["outcome"] == "passed" else "skipped" if cell["outcome"] == "not-run" else \
                "failure" if guests and not cell["control"] else "error"
            check(element == wanted, f"{kind}: {cell['id']} {cell['outcome']} is {element}")
            check(("control" in mine[0].get("name").split(": ")[0]) == cell["control"], f"{kind}: {cell['id']} is not named as a control")


def outside_code(markdown):
    """The text that a forge would read as markup: without fences and without <code>."""
    kept, fence = [], None
    for line in markdown.split("\n"):
        run = re.match(r"`{3,}", line)
        if fence is None and run:
            fence = run.group()
        elif fence is not None and re.fullmatch(r"`{%d,}\s*" % len(fence), line):
            fence = None
        elif fence is None:
            kept.append(line)
    check(fence is None, "a fence is never closed")
    # Code spans first, because they are what a renderer finds first; an odd backtick would turn the line inside out.
    for line in kept:
        check("``" not in line and line.count("`") % 2 == 0, f"a code span is never closed: {line!r}")
        check(not (line.startswith("|") and any("|" in span for span in re.findall(r"`([^`]*)`", line))), f"a cell is split: {line!r}")
    text = re.sub(r"`[^`\n]+`", "", "\n".join(kept))
    for html in re.findall(r"<code>([^<>]*)</code>", text):
        check(re.fullmatch(r"(?:[\w .,/-]|[^\x00-\x7f]|&#\d+;)*", html), f"markup in <code>: {html!r}")
    return re.sub(r"<code>[^<>]*</code>", "", text)


def summaries(texts, verdict_texts):
    for kind, text in texts.items():
        text = text.decode("utf-8")
        words = {"passed": "PASSED", "blocked": "BLOCKED", "no-verdict": "NO VERDICT"}
        first = text.split("\n")[0]
        check(words[json.loads(verdict_texts[kind])["verdict"]] in first, f"{kind}: summary.md begins with {first!r}")
        check(len(text.encode()) < 1 << 19, f"{kind}: summary.md has {len(text.encode())} bytes")
        plain = outside_code(text)
        check(not re.search(r"@\w|<[a-z/!]|https?:|\]\(|javascript", plain), f"{kind}: a guest's markup stands in summary.md: "
              + repr(re.findall(r".{0,30}(?:@\w|<[a-z/!]|https?:|\]\(|javascript).{0,30}", plain)[:3]))
        check(all(c == "\n" or c >= " " for c in text) and "\u202e" not in text, f"{kind}: control characters in summary.md")
        check("&#45;" not in text, f"{kind}: a hyphen in summary.md is an entity")
    example = texts["example"].decode()
    check("the content: every cell with content candidate is affected" in example, "the example does not blame the content")
    check("&#" not in example and "<code>" not in example, "summary.md of the example is not readable as plain text")


def out_files(path, place):
    target = place / "out.md"
    check(report(path, "md", "--out", target) == b"" and target.read_bytes() == report(path, "md"), "--out writes something else")
    done = subprocess.run([__import__("sample").LABCTL, "report", place, "--format", "md"], capture_output=True)
    check(done.returncode == 2 and b"is not a bundle" in done.stderr, f"no bundle gives {done.returncode}")
    done = subprocess.run([__import__("sample").LABCTL, "report", path, "--format", "md", "--out", place / "no-such-folder/x"], capture_output=True)
    check(done.returncode == 3, f"a folder that is not there gives {done.returncode}")
    # verdict.json is never read.
    (path / "verdict.json").write_text('{"verdict": "passed"}')
    check(b"BLOCKED" in report(path, "md"), "an edited verdict.json is believed")


with folder() as place:
    place = __import__("pathlib").Path(place)
    paths = {kind: bundle(kind, place) for kind in KINDS}
    judged = {kind: judge(path) for kind, path in paths.items()}
    for kind, code in KINDS.items():
        check(judged[kind][0] == code, f"{kind}: judge exits with {judged[kind][0]}")
    verdict_texts = {kind: text for kind, (code, text) in judged.items()}
    for kind, path in paths.items():
        check(report(path, "json") == verdict_texts[kind], f"{kind}: report --format json is not verdict.json")
    verdicts(verdict_texts)
    junit({kind: report(path, "junit") for kind, path in paths.items()}, verdict_texts, place)
    summaries({kind: report(path, "md") for kind, path in paths.items()}, verdict_texts)
    out_files(paths["example"], place)

    # A thousand failing cells, and a hundred megabytes of console: bounded pages, bounded memory.
    large = bundle("many", place)
    sizes = {form: len(report(large, form)) for form in ("html", "md", "junit")}
    check(sizes["md"] < 1 << 19 and sizes["html"] < 32 << 20, f"a thousand cells give {sizes}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"a thousand failing cells: {sizes}; the largest child used {peak} MiB")
finish()
