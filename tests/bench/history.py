#!/usr/bin/env python3
"""A year of a lab in one history: seconds of `add`, of each question and of the pages; and whether what was planted is found.

usage: history.py LABCTL MAKE_HISTORY MAKE_BUNDLE [FOLDER]

Seconds of CPU of the processes beside those of the clock, which say more of what else the host does.
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time


class Clock:
    """Prints how long it took."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.began, self.cpu = time.monotonic(), self.used()
        return self

    def __exit__(self, *_):
        print(f"{self.what[:44]:44} {self.used() - self.cpu:7.2f} s of CPU {time.monotonic() - self.began:7.2f} s", flush=True)

    @staticmethod
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime


def add_fifty(labctl, make_bundle, folder):
    for n in range(50):
        moment = [f"2026-11-29T10:{n:02}:00Z", f"2026-11-29T11:{n:02}:00Z"]
        subprocess.run([make_bundle, folder / "bundles", ("passed", "blocked")[n % 2], *moment], check=True, stdout=subprocess.DEVNULL)
    for what in ("add of fifty bundles", "add of the same fifty again"):
        with Clock(what):
            subprocess.run([labctl, "history", "add", folder / "bundles", "--db", folder / "fifty.db"], check=True, stderr=subprocess.DEVNULL)


def main():
    labctl, make_history, make_bundle = sys.argv[1:4]
    with tempfile.TemporaryDirectory(dir=sys.argv[4] if len(sys.argv) > 4 else None) as folder:
        folder = pathlib.Path(folder)
        db = folder / "year.db"
        with Clock("the year, with what makes it"):
            planted = json.loads(subprocess.run([make_history, db], capture_output=True, text=True, check=True).stdout)
        print(f"of which add, 2000 runs of 50 cells: {planted['seconds_of_add']:.2f} s; {db.stat().st_size >> 20} MiB")
        add_fifty(labctl, make_bundle, folder)

        def ask(*words, as_json=True):
            with Clock(" ".join(words)):
                done = subprocess.run([labctl, "history", *words, "--db", db, *(["--json"] if as_json else [])], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout) if as_json else done.stdout

        wrong = []
        fleet = folder / "fleet.csv"
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
        ask("html", "--out", str(folder / "site"), as_json=False)
        print("\n".join(wrong) or f"all {len(planted['regressions'])} regressions dated right, all {len(planted['flakes'])} flakes named, and nothing else")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
