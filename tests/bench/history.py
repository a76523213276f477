#!/usr/bin/env python3
"""A year of a lab in one history: seconds of `add`, of each question and of the pages; and whether what was planted is found.

usage: history.py LABCTL MAKE_HISTORY [FOLDER]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time


def main():
    labctl, make_history = sys.argv[1:3]
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as folder:
        db = pathlib.Path(folder) / "year.db"
        planted = json.loads(subprocess.run([make_history, db], capture_output=True, text=True, check=True).stdout)
        print(f"{'add, 2000 runs of 50 cells':34} {planted['seconds_of_add']:7.2f} s   {db.stat().st_size >> 20} MiB")

        def ask(*words, as_json=True):
            began = time.monotonic()
            done = subprocess.run([labctl, "history", *words, "--db", db, *(["--json"] if as_json else [])], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            print(f"{' '.join(words)[:34]:34} {time.monotonic() - began:7.2f} s")
            return json.loads(done.stdout) if as_json else done.stdout

        wrong = []
        fleet = pathlib.Path(folder) / "fleet.csv"
        fleet.write_text("kernel_release,machines\n" + "".join(f"6.12.{n}+deb12-amd64,{n}\n" for n in range(95, 120)))
        ask("runs")
        ask("cell", "*")
        ask("crash")
        ask("crash", "BUG*")
        ask("boots", "debian-03")
        ask("lab")
        ask("coverage", "--fleet", str(fleet))
        unstable = {cell["cell"] for cell in ask("unstable")["cells"]}
        if unstable != set(planted["flakes"]):
            wrong.append(f"unstable are {sorted(unstable)}, planted were {planted['flakes']}")
        for regression in planted["regressions"]:
            one = ask("first-bad", regression["cell"])["scenarios"][0]
            differs = {difference["what"] for difference in one["differs"]}
            if (one["since"]["began"], one["last_good"]["began"]) != (regression["since"], regression["last_good"]) or regression["changed"] not in differs:
                wrong.append(f"{regression} was found as {one}")
        ask("html", "--out", str(pathlib.Path(folder) / "site"), as_json=False)
        print("\n".join(wrong) or f"all {len(planted['regressions'])} regressions dated right, all {len(planted['flakes'])} flakes named, and nothing else")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
