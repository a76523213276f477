#!/usr/bin/env python3
"""Controls that are believed from one run to the next, on machines made of plain code: they support a pass, and blame nobody.

usage: controls.py FAKE_LABCTL
"""
import json
import shutil
import sys

from fake import Gate, verdict

PROGRAM = sys.argv[1]
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


def run(gate, code, *words, script=""):
    """One run. Its bundle, what it said, and the controls that were not its own."""
    shutil.rmtree(gate.out, ignore_errors=True)
    gate.environment["FAKE_SCRIPT"] = script
    done = gate.call("run", gate.scenario, "--out", gate.out, *words)
    expect(done.returncode == code, f"exit code {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    bundle = gate.bundles()[0]
    cells = json.loads((bundle / "verdict.json").read_text())["cells"]
    return bundle, done, {cell["id"]: cell["kept"]["run"] for cell in cells if "kept" in cell}


def main():
    gate = Gate(PROGRAM)
    first, _, kept = run(gate, 0)
    expect(not kept, f"the first run believed {kept}")
    name, decision = first.name, verdict(first)

    bundle, done, kept = run(gate, 0)
    expect(sorted(kept) == ["box.control", "crate.control"] and set(kept.values()) == {name}, f"the second run believed {kept}")
    expect(done.stderr.count("reusing its pass from the last 7 days") == 2 and done.stdout.count(f"in {name}") == 2,
           f"it is not said:\n{done.stdout}{done.stderr}")
    expect(verdict(bundle) == decision, "with kept controls the verdict is another one")
    expect(gate.call("judge", bundle).returncode == 0, "judge says something else")
    word = bundle / "cells/box.control/control.json"
    word.write_text(json.dumps({**json.loads(word.read_text()), "made_unix": 1}))
    expect(gate.call("judge", bundle).returncode == 3, "judge believes a control of 1970")

    _, _, kept = run(gate, 0, "--fresh-controls")
    expect(not kept, f"--fresh-controls believed {kept}")

    # A guest fails: its control is rerun, and the other image's is believed all the same.
    bundle, done, kept = run(gate, 1, script="box.driver=oops@1")
    expect(list(kept) == ["crate.control"] and "rerunning 1 control" in done.stderr, f"a blame believed {kept}\n{done.stderr}")
    expect((bundle / "cells/box.control.kept-1/control.json").exists(), "the kept records are gone")
    expect(gate.call("judge", bundle).returncode == 1, "judge says something else of the blame")

    # The host crashes guests without a candidate now. The kept control does not know.
    bundle, done, kept = run(gate, 3, script="box.driver=oops@1,box.control=oops@1")
    expect("the control without the candidate ended crashed" in done.stdout, done.stdout)

    # What was kept of a control that then failed is not believed any more.
    _, _, kept = run(gate, 0)
    expect(list(kept) == ["crate.control"], f"behind a control that failed: {kept}")
    gate.close()
    print("\n".join(failures) or "kept controls support a pass and blame nobody")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
