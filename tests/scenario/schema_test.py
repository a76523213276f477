#!/usr/bin/env python3
"""The editors' schema and the loader agree.

usage: schema_test.py LABCTL

What the loader takes, the schema takes: an editor never blames a sound file. What the schema takes, the loader
takes as well, but for what no schema can say: where one place speaks of another (a label, a story's order, a
module's default), and how large a value with a unit is. Each of those refusals is in the list below, by its words;
any other one means that the schema is too lax.
"""
import copy
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "scenarios/schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
OTHERS = (None, [], {}, 7, -1, 1.5, True, "zzz", "20s", "${", "a b", "x" * 100, [[]], [None], {"run": 1}, "")
BEYOND_A_SCHEMA = re.compile(
    "|".join(
        (
            # one place speaks of another
            r"candidate\.(driver|content) has no '",
            r"candidate\.(driver|content) is not given",
            r"there is no candidate\.content",
            r"but candidate\.content is given",
            r"candidate\.content has no 'candidate' to test",
            r"(machines|stories) has no '|(machines|stories) is not given|but (machines|stories) are given",
            r"is the same machine as",
            r"is a network card",
            r"matrix\.exclude: this matches nothing|matrix\.include: this entry has no '",
            r"the matrix is empty|no cell has a candidate|no cell boots with the candidate|two cells would both be called",
            r"there is no module and no proof|has no '(module|service)' and there is no proof|has no 'module', and the file name",
            r"expect: (the matrix has no cell|.* is a control|.* holds all that|.* expired on)",
            r"candidate\.content has no file '",
            r"stor(y|ies\.[A-Za-z0-9_.-]+): (no boot|no reboot|[0-9]+ boots are more|the driver is never)",
            r"stor(y|ies\.[A-Za-z0-9_.-]+): ('[a-z -]+'(,| before| after| with kind: script| is for guests)|after this it is unknown|'update package' is for the operating system)",
            r"is given but never (used|applied)|loads: on-use",
            # a value with a unit, a path, a day: its text is right and what it stands for is not
            r"is not between .* and ",
            r"must not contain '\.\.'|is a directory|longer than 1024 bytes",
            # another file
            r"only firmware with Secure Boot has keys|the machine's key '",
            # variables
            r"\$\{|--set ",
        )
    )
)
failures = []


class Loader(yaml.SafeLoader):
    """A day is text, as to editors and to labctl."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text):
    return yaml.load(text, Loader)


def check(condition, text):
    if not condition:
        failures.append(text)


def validate(labctl, paths, variables=()):
    """The exit code, and for each path whether the loader accepts it."""
    settings = [word for pair in variables for word in ("--set", pair)]
    ended = subprocess.run(
        [labctl, "validate", *settings, *map(str, paths)], capture_output=True, text=True, timeout=300
    )
    told = [line for line in ended.stderr.splitlines() if ": warning: " not in line]
    refused = {line.removeprefix("labctl: ").split(":", 1)[0] for line in told}
    why = {}
    for line in told:
        why.setdefault(line.removeprefix("labctl: ").split(":", 1)[0], line)
    return ended.returncode, [str(path) not in refused for path in paths], why


def variables_of(text):
    """From a line "# set: a=1 b=2", or from the command that a ready scenario says it is run with."""
    found = re.search(r"^# set: (.*)$", text, re.MULTILINE)
    return found.group(1).split() if found else re.findall(r"^#.* --set (\S+)$", text, re.MULTILINE)


def schema_accepts(text):
    try:
        return VALIDATOR.is_valid(load(text))
    except yaml.YAMLError:
        return None  # no YAML: the schema has no say


def check_files(labctl):
    good = sorted((ROOT / "scenarios").glob("*.yaml")) + sorted((ROOT / "tests/scenario/good").glob("*.yaml"))
    assert len(good) >= 6
    for path in good:
        text = path.read_text()
        code, accepted, _ = validate(labctl, [path], variables_of(text))
        check(code == 0 and accepted == [True], f"the loader refuses {path}")
        problems = "; ".join(error.message for error in VALIDATOR.iter_errors(load(text)))
        check(not problems, f"the schema refuses {path}: {problems}")
    mistakes = sorted((ROOT / "tests/scenario/mistakes").glob("*.yaml")) + sorted(
        (ROOT / "tests/plan/mistakes").glob("*.yaml")
    )
    assert len(mistakes) >= 50
    for path in mistakes:
        text = path.read_text()
        code, accepted, _ = validate(labctl, [path], variables_of(text))
        check(code == 2 and accepted == [False], f"the loader accepts {path}")
        if "# schema: refuses" in text:
            check(schema_accepts(text) is False, f"the schema accepts {path}")


def places(value, here=()):
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, here + (key,))


def at(value, place):
    for key in place:
        value = value[key]
    return value


def mutants(document):
    """(description, changed document, whether the change is one of shape)"""
    for place in places(document):
        value = at(document, place)
        if isinstance(value, dict):
            changed = copy.deepcopy(document)
            at(changed, place)["zzz"] = 1
            chooses_keys = place in (("candidate", "driver"), ("candidate", "content"), ("machines",), ("stories",))
            yield f"{place} with zzz", changed, not chooses_keys
        if not place:
            continue
        *parent, key = place
        changed = copy.deepcopy(document)
        del at(changed, parent)[key]
        yield f"without {place}", changed, False
        for other in OTHERS:
            changed = copy.deepcopy(document)
            at(changed, parent)[key] = other
            yield f"{place} = {other!r}", changed, other is None or other == [[]]


def check_mutants(labctl):
    documents = []
    names = ["scenarios/quickstart.yaml"] + [
        f"tests/scenario/good/{name}.yaml" for name in ("everything", "script", "bare-module", "machines", "steps", "stories", "loads", "bpf", "keys", "windows", "windows-service")
    ]
    for name in names:
        text = (ROOT / name).read_text()
        for pair in variables_of(text):
            text = text.replace("${" + pair.split("=")[0] + "}", pair.split("=")[1])
        document = load(text)
        if isinstance(document.get("machine", {}).get("vcpus"), str):
            document["machine"]["vcpus"] = 2
        documents.append(document)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "tests/scenario/good/keys", pathlib.Path(folder) / "keys")
        cases = []
        for document in documents:
            for description, changed, shape in mutants(document):
                path = pathlib.Path(folder) / f"{len(cases)}.yaml"
                path.write_text(json.dumps(changed, ensure_ascii=False))
                cases.append((path, description, changed, shape))
        assert len(cases) > 2000
        accepted, why = [], {}
        for begin in range(0, len(cases), 500):
            _, some, told = validate(labctl, [case[0] for case in cases[begin : begin + 500]])
            accepted += some
            why.update(told)
        for (path, description, changed, shape), loader in zip(cases, accepted):
            schema = VALIDATOR.is_valid(changed)
            beyond = loader or not schema or BEYOND_A_SCHEMA.search(why[str(path)])
            check(beyond, f"the schema alone takes: {description}: {why.get(str(path), '').split(':', 1)[-1]}")
            check(not loader or schema, f"only the schema refuses: {description} in {changed.get('name')}")
            check(not shape or not (loader or schema), f"a wrong shape is accepted: {description}")
        # Neither side agrees by refusing everything.
        check(150 < sum(accepted) < len(cases) / 2, f"{sum(accepted)} of {len(cases)} are accepted")
    return len(cases)


def main():
    labctl = str(pathlib.Path(sys.argv[1]).resolve())
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    check_files(labctl)
    count = check_mutants(labctl)
    for failure in failures[:50]:
        print(failure)
    print(f"{count} changed scenarios, {len(failures)} disagreements")
    return 1 if failures else 0


sys.exit(main())
