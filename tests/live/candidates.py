"""One scenario whose drivers are candidates that must end in a known way: run it, and compare what labctl says."""
import json
import pathlib
import subprocess
import typing


class Expected(typing.NamedTuple):
    name: str
    outcomes: list
    title: str = ""  # of a finding that must be told


def labels_of(names):
    """"candidate" must be one of a scenario's labels: the first takes it."""
    return ["candidate"] + names[1:]


def compare(labctl, scenario, out, expected):
    """Runs a scenario; `expected` by the driver's label. Prints a line for each, returns the exit status: 1 when one ended
    otherwise, or the exit code or what judge says afterwards is wrong."""
    before = set(out.iterdir())
    code = subprocess.run([labctl, "run", str(scenario), "--out", str(out)]).returncode
    bundle = pathlib.Path(next(iter(set(out.iterdir()) - before)))
    verdict = json.loads((bundle / "verdict.json").read_text())
    seen = {cell["axes"]["driver"]: cell for cell in verdict["cells"] if not cell["control"]}
    wrong = 0
    for label, (name, outcomes, title) in expected.items():
        cell = seen[label]
        titles = [finding["title"] for finding in cell["findings"]]
        good = cell["outcome"] in outcomes and (not title or title in titles)
        wrong += not good
        wanted = " ".join(["expected", "|".join(outcomes)] + ([f"with {title}"] if title else []))
        print(f"{'ok' if good else 'WRONG'}\t{name}\t{cell['outcome']}\t({wanted})\t{'; '.join(titles)}")
    should_block = any("passed" not in each.outcomes for each in expected.values())
    if code != (1 if should_block else 0):
        print(f"WRONG\tthe exit code is {code}")
        wrong += 1
    again = subprocess.run([labctl, "judge", "--json", str(bundle)], capture_output=True, text=True)
    if again.returncode != code or again.stdout != (bundle / "verdict.json").read_text():
        print("WRONG\tjudge does not say the same again")
        wrong += 1
    print(f"{len(expected)} candidates, {wrong} wrong, bundle {bundle}")
    return 1 if wrong else 0
