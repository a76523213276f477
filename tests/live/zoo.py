#!/usr/bin/env python3
"""Runs modules of the crash zoo as candidates on real guests and compares what labctl says with zoo.tsv.

  zoo.py LABCTL IMAGE ZOO_DIR OUT_DIR [NAME...]

One scenario, one matrix: every module is a driver of its own, all share one control. ZOO_DIR holds <release>/<name>.ko
as tests/guests/build.sh makes them. Without names the whole zoo runs. Exit 1 when one ended otherwise than expected.
"""
import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent


def expectations():
    table = {}
    for line in (here.parent / "guests" / "zoo.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            name, expected, _ = line.split("\t", 2)
            table[name] = expected.split("|")
    return table


def scenario(image, modules, names):
    # "candidate" must be one of the labels: the first module takes it.
    labels = ["candidate"] + names[1:]
    drivers = "".join(f"    {label}: {modules / name}.ko\n" for label, name in zip(labels, names))
    return labels, (
        "labctl: 1\nname: zoo\ncandidate:\n  driver:\n" + drivers +
        f"matrix:\n  image: [{image}]\n  driver: [{', '.join(labels)}]\n"
        f"signatures: {here.parent / 'guests' / 'signatures.yaml'}\n"
        "guest:\n  linux:\n    driver: {kind: kmod}\n"
        "story: [install driver, reboot x3]\nsettle: 10s\n")


def main():
    labctl, image, zoo, out = sys.argv[1:5]
    expected = expectations()
    names = sys.argv[5:] or sorted(expected)
    images = json.loads(subprocess.run([labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    release = next(i["facts"]["kernel_release"] for i in images["images"] if i["name"] == image)
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    labels, text = scenario(image, pathlib.Path(zoo).resolve() / release, names)
    (out / "zoo.yaml").write_text(text)
    before = set(out.iterdir())
    code = subprocess.run([labctl, "run", str(out / "zoo.yaml"), "--out", str(out)]).returncode
    bundle = next(iter(set(out.iterdir()) - before))
    verdict = json.loads((bundle / "verdict.json").read_text())
    seen = {c["axes"]["driver"]: c for c in verdict["cells"] if not c["control"]}
    wrong = 0
    for label, name in zip(labels, names):
        cell = seen[label]
        good = cell["outcome"] in expected[name]
        wrong += not good
        titles = "; ".join(f["title"] for f in cell["findings"])
        print(f"{'ok' if good else 'WRONG'}\t{name}\t{cell['outcome']}\t(expected {'|'.join(expected[name])})\t{titles}")
    should_block = any("passed" not in expected[n] for n in names)
    if code != (1 if should_block else 0):
        print(f"WRONG\tthe exit code is {code}")
        wrong += 1
    again = subprocess.run([labctl, "judge", "--json", str(bundle)], capture_output=True, text=True)
    if again.returncode != code or again.stdout != (bundle / "verdict.json").read_text():
        print("WRONG\tjudge does not say the same again")
        wrong += 1
    print(f"{len(names)} modules, {wrong} wrong, bundle {bundle}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
