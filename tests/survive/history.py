#!/usr/bin/env python3
"""`run --db` on machines made of plain code: the bundle is in the history at the end, and a history that cannot be written changes no verdict.

usage: history.py FAKE_LABCTL
"""
import shutil
import sqlite3
import sys

from fake import Gate

PROGRAM = sys.argv[1]
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


def main():
    gate = Gate(PROGRAM)
    db = gate.out.parent / "lab.db"
    for code, script in ((0, ""), (1, "box.driver=oops@1")):
        shutil.rmtree(gate.out, ignore_errors=True)
        gate.environment["FAKE_SCRIPT"] = script
        done = gate.call("run", gate.scenario, "--out", gate.out, "--db", db)
        expect(done.returncode == code and "added" in done.stderr, f"{script}: {done.returncode}\n{done.stderr}")
    with sqlite3.connect(db) as connection:
        verdicts = [row[0] for row in connection.execute("SELECT verdict FROM run ORDER BY key")]
    expect(verdicts == ["passed", "blocked"], f"the history has {verdicts}")

    # A file that is no history, and a folder in its place: the verdict stands, and the reason is told.
    torn = gate.out.parent / "torn.db"
    torn.write_text("no database")
    for broken in (torn, gate.out.parent):
        shutil.rmtree(gate.out, ignore_errors=True)
        gate.environment["FAKE_SCRIPT"] = ""
        done = gate.call("run", gate.scenario, "--out", gate.out, "--db", broken)
        expect(done.returncode == 0 and "was not added to the history" in done.stderr and "PASSED" in done.stdout,
               f"{broken}: {done.returncode}\n{done.stdout}{done.stderr}")
    print("\n".join(failures) or "run --db adds at the end, and no verdict depends on it")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
