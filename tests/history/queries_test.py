#!/usr/bin/env python3
"""The documented queries run on a history, and its tables are as documented.

usage: queries_test.py MAKE_HISTORY LABCTL

MAKE_HISTORY writes a year of a lab, made small here.
"""
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
MAKE_HISTORY, LABCTL = sys.argv[1:3]
MAY_BE_EMPTY = {3, 4, 9, 10, 20}  # nothing of the kind is in the made year before it is put there
failures = []


def main():
    text = (ROOT / "docs/reference/history-queries.md").read_text()
    queries = {int(number): sql for number, sql in re.findall(r"^(\d+)\. .*?```sql\n(.*?)```", text, re.M | re.S)}
    if sorted(queries) != list(range(1, 21)):
        failures.append(f"documented are the queries {sorted(queries)}")
    with tempfile.TemporaryDirectory() as folder:
        db = pathlib.Path(folder) / "year.db"
        subprocess.run([MAKE_HISTORY, db, "120", "8", "3"], check=True, stdout=subprocess.DEVNULL)
        notes = pathlib.Path(folder) / "problems.yaml"
        title = json.loads(subprocess.run([LABCTL, "history", "crash", "--json", "--db", db], capture_output=True, text=True, check=True).stdout)["crashes"][0]["title"]
        notes.write_text(f"labctl: 1\nproblems:\n  - title: \"{title}\"\n    ticket: LAB-1\n    state: fixed\n")
        subprocess.run([LABCTL, "history", "notes", notes, "--db", db], check=True, stderr=subprocess.DEVNULL)
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
            for number, sql in queries.items():
                try:
                    rows = connection.execute(sql).fetchall()
                except sqlite3.Error as problem:
                    failures.append(f"query {number}: {problem}")
                    continue
                if not rows and number not in MAY_BE_EMPTY - {10}:
                    failures.append(f"query {number} finds nothing")
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
        documented = (ROOT / "docs/reference/history.md").read_text()
        failures.extend(f"{name} is not documented" for name in names if f"`{name}`" not in documented)
    print("\n".join(failures) or "twenty queries run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
