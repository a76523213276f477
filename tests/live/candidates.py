"""One scenario whose drivers are candidates that must end in a known way: run it, and compare what labctl says."""
import json
import pathlib
import subprocess


def labels_of(names):
    """"candidate" must be one of a scenario's labels: the first takes it."""
    return ["candidate"] + names[1:]


def ended(outcomes):
    """A check: what is wrong with a cell that should have ended in one of these ways."""
    return lambda cell: [] if cell["outcome"] in outcomes else [f"expected {'|'.join(outcomes)}"]


def run(labctl, scenario, out, *options):
    """A run's exit code, its bundle, what verdict.json holds, and its candidates' cells by the driver's label."""
    before = set(out.iterdir())
    code = subprocess.run([labctl, "run", str(scenario), "--out", str(out), *options]).returncode
    bundle = pathlib.Path(next(each for each in set(out.iterdir()) - before if (each / "verdict.json").exists()))
    text = (bundle / "verdict.json").read_text()
    return code, bundle, text, {cell["axes"]["driver"]: cell for cell in json.loads(text)["cells"] if not cell["control"]}


def starved(cell):
    """No answer at all: the host gave the guest no time."""
    return cell["outcome"] == "lab-failed" and "the host starved the guest" in cell["reason"]


def compare(labctl, scenario, out, checks, blocked):
    """Runs a scenario. `checks`: by the driver's label its name and a check, which gets what verdict.json says of the cell and
    returns a list of complaints; `blocked`: whether one of them should block. A cell whose guest the host starved is asked again,
    beside nobody. Prints a line for each, returns how much is wrong."""
    code, bundle, text, seen = run(labctl, scenario, out)
    codes = {1 if blocked else 0}
    for label in [label for label in checks if starved(seen[label])]:
        print(f"again, because the host starved it: {label}", flush=True)
        codes.add(3)
        seen[label] = run(labctl, scenario, out, "--jobs", "1", "--only", seen[label]["id"])[3][label]
    wrong = 0
    for label, (name, check) in checks.items():
        cell = seen[label]
        complaints = check(cell)
        wrong += bool(complaints)
        titles = "; ".join(finding["title"] for finding in cell["findings"])
        print("\t".join(["WRONG" if complaints else "ok", name, cell["outcome"], f"{cell['took_ms'] / 1000:.0f}s", cell["reason"],
                         titles, *complaints]), flush=True)
    if code not in codes:
        print(f"WRONG\tthe exit code is {code}")
        wrong += 1
    again = subprocess.run([labctl, "judge", "--json", str(bundle)], capture_output=True, text=True)
    if again.returncode != code or again.stdout != text:
        print("WRONG\tjudge does not say the same again")
        wrong += 1
    print(f"{len(checks)} candidates, {wrong} wrong, bundle {bundle}", flush=True)
    return wrong
