#!/usr/bin/env python3
"""Each format has a schema with an $id: what is shipped and printed is as it says, and a mistake is not.

usage: schemas_test.py LABCTL

Scenarios and rings have tests of their own (scenario/schema_test.py, rings/rings_test.py); run.json, split.json, verdict.json, and the answers of
history and watch are validated where they are made.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import jsonschema
import yaml

LABCTL = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = {"scenario": "scenarios/schema.json", "rings": "scenarios/rings.schema.json", "signatures": "scenarios/signatures.schema.json",
           "waivers": "scenarios/waivers.schema.json", "image": "images/image.schema.json",
           **{name: f"reports/{name}.schema.json" for name in ("verdict", "run", "split", "plan", "scan", "show", "answer", "history", "watch", "available", "kernels")}}
failures = []


def check(good, what):
    if not good:
        failures.append(what)


class Days(yaml.SafeLoader):
    """A day is text, as to editors and to labctl."""


Days.yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
                                for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(text):
    return yaml.load(text, Days)


def schema_of(name):
    return json.loads((ROOT / FORMATS[name]).read_text())


def validator(name):
    schema = schema_of(name)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def problems(name, value):
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator(name).iter_errors(value)]


def labctl(*words, **environment):
    return subprocess.run([LABCTL, *map(str, words)], capture_output=True, text=True, timeout=600, env={**os.environ, **environment})


def every_format():
    shipped = {str(path.relative_to(ROOT)) for folder in ("scenarios", "reports", "images") for path in (ROOT / folder).glob("*schema.json")}
    check(shipped == set(FORMATS.values()), f"schemas that no test knows, or that are missing: {shipped ^ set(FORMATS.values())}")
    for name in FORMATS:
        schema = schema_of(name)
        check(schema.get("$id") == f"urn:labctl:{name}:1", f"{name}: its $id is {schema.get('$id')}")
        check(schema.get("title") and schema.get("description") or schema.get("title"), f"{name}: no title")
        validator(name)


def places(value, here=()):
    yield here
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*here, key))


def at(value, place):
    for key in place:
        value = value[key]
    return value


def spoiled(document):
    """Another shape in each place, a key that is not known, a key that is missing."""
    for place in places(document):
        if isinstance(at(document, place), dict):
            changed = copy.deepcopy(document)
            at(changed, place)["zzz"] = 1
            yield f"{place} with zzz", changed
        if not place:
            continue
        *parent, key = place
        for other in (None, [[]], {"zzz": {}}, 7.5, True, ""):
            changed = copy.deepcopy(document)
            at(changed, parent)[key] = other
            yield f"{place} = {other!r}", changed
        changed = copy.deepcopy(document)
        del at(changed, parent)[key]
        yield f"without {place}", changed


def agree(name, document, taken, folder, file="it.yaml"):
    """labctl and the schema take the same: each changed document by both or by neither."""
    check(not problems(name, document), f"{name}: the schema refuses a sound one: {problems(name, document)}")
    path = folder / file
    path.write_text(json.dumps(document))
    check(taken(path), f"{name}: labctl refuses a sound one")
    checker, count = validator(name), [0, 0]
    for change, changed in spoiled(document):
        path.write_text(json.dumps(changed))
        one, other = taken(path), checker.is_valid(changed)
        count[one] += 1
        check(one == other, f"{name}: {change}: labctl {'takes' if one else 'refuses'} it, the schema does not agree")
    check(count[0] > 20, f"{name}: only {count} changed documents")


SIGNATURES = {"labctl": 1, "signatures": [{"title": "sensor gave up", "pattern": "gave up", "kind": "other", "severity": "fatal", "noise": "known", "matches": ["it gave up"], "not": ["it went on"]}]}
WAIVERS = {"labctl": 1, "waivers": [{"title": "WARNING in sensor_tick", "cells": ["*"], "owner": "kim", "reason": "bug 4711", "until": "2999-01-31"}]}


def signatures(folder):
    for path in [ROOT / "tests/guests/signatures.yaml"]:
        check(not problems("signatures", load(path.read_text())), f"{path}: {problems('signatures', load(path.read_text()))}")
    documented = (ROOT / "docs/reference/signatures.md").read_text().split("```yaml\n")[1].split("```")[0]
    check(not problems("signatures", load(documented)), f"the documented signatures: {problems('signatures', load(documented))}")
    log = folder / "log"
    log.write_text("[    0.000000] Linux version 6.1\n")
    agree("signatures", SIGNATURES, lambda path: labctl("scan", log, "--signatures", path).returncode == 0, folder)


def waivers(folder):
    documented = (ROOT / "docs/how-to/accept-a-known-finding.md").read_text().split("# waivers.yaml\n")[1].split("```")[0]
    check(not problems("waivers", load(documented)), f"the documented waivers: {problems('waivers', load(documented))}")
    for path in (ROOT / "tests/scenario/waivers").glob("*.yaml"):
        if path.stem not in ("empty", "duplicate-keys"):
            check(problems("waivers", load(path.read_text())), f"the schema takes {path.name}")
    # A run is the one that reads them; here it has no image, and ends at once.
    quickstart, cache = ROOT / "scenarios/quickstart.yaml", str(folder / "cache")
    agree("waivers", WAIVERS, lambda path: str(path) not in labctl("run", quickstart, "--waivers", path, "--out", folder / "runs", LABCTL_CACHE=cache).stderr, folder)


def recipes(folder):
    shipped = sorted((ROOT / "images").glob("*/image.yaml"))
    for path in shipped:
        check(not problems("image", load(path.read_text())), f"{path}: {problems('image', load(path.read_text()))}")
    place = folder / "recipes/it"
    place.mkdir(parents=True)
    (place / "build").write_text("#!/bin/false\n")
    whole = {"summary": "Debian 12", "os": "linux", "suite": "bookworm", "kernel": "linux-image-amd64", "disk": "3GiB", "build": "build",
             "needs": {"tar": "tar"}, "needs_files": {"/x": "y"}, "needs_as_user": {"fakeroot": "fakeroot"}}
    environment = {"LABCTL_IMAGES": str(folder / "recipes"), "LABCTL_CACHE": str(folder / "cache")}
    mistaken = {"suite": "a b", "kernel": "-x", "disk": "3 GB", "os": "beos", "extends": "../debian-12", "import": {"source": "a"},
                "install": [{"source": "a", "sha256": "0"}], "needs": {"tar": ["tar"]}, "build": ""}
    for key, value in [*mistaken.items(), ("zzz", 1)]:
        changed = {**whole, key: value}
        (place / "image.yaml").write_text(json.dumps(changed))
        done = labctl("image", "list", **environment)
        check(done.returncode == 2 and problems("image", changed), f"a recipe with {key}: {value!r}: {done.returncode}, the schema says {problems('image', changed)}")
    (place / "image.yaml").write_text(json.dumps(whole))
    done = labctl("image", "list", **environment)
    check(done.returncode == 0 and not problems("image", whole), f"a whole recipe: {done.stderr} {problems('image', whole)}")


def printed(folder):
    """What plan and scan print, for all scenarios and logs that are here."""
    environment = {"LABCTL_CACHE": str(folder / "cache")}
    count = 0
    for path in sorted((ROOT / "scenarios").glob("*.yaml")) + sorted((ROOT / "tests/scenario/good").glob("*.yaml")):
        values = [word for line in path.read_text().splitlines() if line.startswith("# set: ") for pair in line[7:].split() for word in ("--set", pair)]
        if "${boots}" in path.read_text() and not values:
            values = ["--set", "boots=20"]
        done = labctl("plan", path, "--json", *values, **environment)
        check(done.returncode in (0, 3), f"plan {path}: {done.returncode} {done.stderr}")
        if done.stdout:
            check(not problems("plan", json.loads(done.stdout)), f"plan {path.name}: {problems('plan', json.loads(done.stdout))[:3]}")
            count += 1
    check(count > 10, f"only {count} plans")
    for cache in (environment, {}):  # without images, and with those of this host
        done = labctl("image", "kernels", "--json", **cache)
        check(done.returncode == 0 and not problems("kernels", json.loads(done.stdout)), f"image kernels: {done.returncode} {done.stdout}")
    seen = set()
    for path in sorted((ROOT / "tests/crash").glob("*/*.log"))[::3]:
        done = labctl("scan", path, "--json")
        found = json.loads(done.stdout or '{"findings": []}')
        seen |= {finding["kind"] for finding in found["findings"]}
        check(not problems("scan", found), f"scan {path.name}: {problems('scan', found)[:3]}")
    check(len(seen) > 8, f"only the kinds {seen}")
    for path in sorted((ROOT / "tests/bundle/recorded").iterdir()):
        cells = json.loads((path / "run.json").read_text())["plan"]["cells"]
        for words in ([], [cells[0]["id"]]):
            done = labctl("show", path, *words, "--json")
            check(done.returncode == 0, f"show {path.name}: {done.returncode} {done.stderr}")
            check(done.stdout and not problems("show", json.loads(done.stdout)), f"show {path.name} {words}: {done.stdout and problems('show', json.loads(done.stdout))[:3]}")
    # A detector that cannot fire shows nothing.
    for name, broken in (("plan", {"labctl": 1}), ("kernels", {"kernels": [{"release": ""}]}), ("scan", {"findings": [{"title": ""}]}), ("scan", []), ("show", {"labctl": 1})):
        check(problems(name, broken), f"{name}: the schema takes {broken}")


def answers(folder):
    """With --json standard output is one document, whether the verb succeeds or fails, and the exit code is in it."""
    environment = {"LABCTL_CACHE": str(folder / "cache"), "LABCTL_HISTORY": str(folder / "history.db")}
    quickstart, bundle = ROOT / "scenarios/quickstart.yaml", ROOT / "tests/bundle/recorded/passed"
    key, missing, driver = folder / "answer.key", folder / "nothing", folder / "sensor.ko"
    driver.write_bytes(b"\x7fELF not a whole one")
    for words, verb, code in ((["validate", quickstart], "validate", 0), (["validate", missing], "validate", 2),
                              (["init", driver, "--out", folder / "first.yaml"], "init", 0), (["init", missing], "init", 2),
                              (["keygen", key], "keygen", 0), (["keygen", key], "keygen", 2),
                              (["run", missing], "run", 2), (["run", "--jobs", "x", quickstart], "run", 2), (["drill", missing], "drill", 2), (["split", missing], "split", 2),
                              (["verify", missing, "--key", f"{key}.pub", "--artifact", missing], "verify", 2),
                              (["attest", missing, "--sign", key], "attest", 2), (["bundle", "unpack", missing], "bundle unpack", 2),
                              (["bundle", "pack", bundle, "--without-artifacts", "--out", folder / "b.tar.zst"], "bundle pack", 0),
                              (["bundle", "unpack", folder / "b.tar.zst", "--into", folder], "bundle unpack", 0),
                              (["image", "verify", "nothing"], "image verify", 2), (["image", "rm", "nothing"], "image rm", 2),
                              (["image", "build"], "image build", 2), (["history", "add", missing], "history add", 2), (["history", "add", bundle], "history add", 0),
                              (["plan", missing], "plan", 2), (["judge", missing], "judge", 2), (["scan", missing], "scan", 2), (["show", bundle, "nothing"], "show", 2)):
        done = labctl(*words, "--json", **environment)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            failures.append(f"{words} --json: no document on standard output: {done.stdout[:200]!r} {done.stderr[:300]!r}")
            continue
        check(done.returncode == code, f"{words}: {done.returncode} {done.stderr[:300]}")
        check(not problems("answer", document), f"{words}: {problems('answer', document)[:3]}")
        check(document.get("verb") == verb and document.get("exit_code") == code, f"{words}: {document}")
        check(bool(document.get("errors")) == (code != 0), f"{words}: {document}")
    check(problems("answer", {"labctl": 1, "verb": "gc", "exit_code": 0, "errors": [], "result": {"done": 1}}), "answer: the schema takes anything")


def main():
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o700)
        folder = pathlib.Path(name)
        every_format()
        signatures(folder)
        waivers(folder)
        recipes(folder)
        printed(folder)
        answers(folder)
    print("\n".join(failures[:40]) or f"{len(FORMATS)} schemas agree with labctl")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
