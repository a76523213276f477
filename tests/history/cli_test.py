#!/usr/bin/env python3
"""`labctl history` as users have it: what is added, what is refused, what a kill, a full disk and a second writer leave.

usage: cli_test.py LABCTL MAKE_BUNDLE [KILLS]
"""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]
LABCTL, MAKE_BUNDLE = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 50
RECORDED = ROOT / "tests/bundle/recorded"
MANY = 4
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def history(*words, db, **more):
    environment = {**os.environ, "LABCTL_HISTORY": str(db)}
    return subprocess.run([LABCTL, "history", *map(str, words)], capture_output=True, text=True, timeout=600, env=environment, **more)


def made(folder, verdict, n=0, *disk):
    moment = [f"2026-11-29T10:{n % 60:02}:00Z", f"2026-11-29T11:{n % 60:02}:00Z"]
    return pathlib.Path(subprocess.run([MAKE_BUNDLE, str(folder), verdict, *moment, *disk], capture_output=True, text=True, check=True).stdout.strip())


def rows(db, table="run"):
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def whole(db):
    """Nothing but whole runs: what SQLite says, and that each run has all that it had when it was added."""
    with sqlite3.connect(db) as connection:
        state = connection.execute("PRAGMA integrity_check").fetchone()[0]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        halves = connection.execute("SELECT name FROM run WHERE key NOT IN (SELECT run FROM cell)").fetchall()
    return state == "ok" and not orphans and not halves


def contents(db):
    with sqlite3.connect(db) as connection:
        return [connection.execute(sql).fetchall() for sql in (
            "SELECT id, name, recorded, verdict FROM run ORDER BY id",
            "SELECT run, id, answer, journal_sha256 FROM cells ORDER BY 1, 2, 4",
            "SELECT * FROM boots ORDER BY 1, 2, 7, 8")]


def what_is_added(folder):
    db = folder / "state/labctl/history.db"  # its folder is made
    bundles = [made(folder / "bundles", verdict, n) for n, verdict in enumerate(("passed", "blocked", "no-verdict"))]
    done = history("add", folder / "bundles", db=db)
    check(done.returncode == 0 and rows(db) == 3, f"add: {done.returncode} {done.stderr}")
    before = contents(db)
    done = history("add", *bundles, db=db)
    check(done.returncode == 0 and contents(db) == before, f"added again: {done.stderr}")
    # Deleted and made again, it says the same.
    db.unlink()
    history("add", folder / "bundles", db=db)
    check([sorted(map(repr, part)) for part in contents(db)] == [sorted(map(repr, part)) for part in before], "made again it is another history")
    # An older rule set is no contradiction: both verdicts are there.
    done = history("add", RECORDED, db=db)
    with sqlite3.connect(db) as connection:
        both = dict(connection.execute("SELECT name, recorded || ' ' || verdict FROM run"))
    check(done.returncode == 0 and both.get("passed") == "passed no-verdict" and both.get("blocked") == "blocked blocked",
          f"recorded bundles: {done.returncode} {both} {done.stderr}")
    # Two runs may have one run.json; their journals tell them apart.
    check("windows-passed" in both and "windows-blocked" in both, f"a run is missing: {sorted(both)}")
    return db


def questions(db):
    """Each answer is as its schema says, and none is empty as text."""
    schema = json.loads((ROOT / "reports/history.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    fleet = db.parent / "fleet.csv"
    fleet.write_text("kernel_release,machines,distro\n6.1.0-35-amd64,12,debian\n5.14.0-503,3,alma\n")
    asked = [[], ["--last", "2"], ["runs"], ["cell", "*"], ["crash"], ["crash", "BUG*"], ["first-bad", "box.driver-candidate.content-candidate"],
             ["unstable"], ["boots", "debian"], ["lab"], ["coverage"], ["coverage", "--fleet", fleet]]
    for words in asked:
        text, answer = history(*words, db=db), history(*words, "--json", db=db)
        check(text.returncode == 0 and text.stdout, f"{words}: {text.returncode} {text.stderr}")
        check(answer.returncode == 0, f"{words} --json: {answer.stderr}")
        problems = [error.message[:300] for error in validator.iter_errors(json.loads(answer.stdout or "{}"))]
        check(not problems, f"{words}: by its schema {problems[:2]}")
    check(list(validator.iter_errors({"question": "runs", "runs": []})), "the schema accepts an answer without a part")
    for words, hint in ((["cell", "deb"], "hint"), (["crash", "oops"], "hint"), (["boots", "debain"], "did you mean 'debian'"),
                        (["first-bad", "box.driver-candidate.content-candidat"], "did you mean")):
        done = history(*words, db=db)
        check(done.returncode == 2 and hint in done.stderr, f"{words}: {done.returncode} {done.stderr}")
    missing = history(db=db.parent / "none.db")
    check(missing.returncode == 2 and "history add" in missing.stderr, f"no history: {missing.stderr}")


def host_classes(db):
    """Boots are told apart by the host's CPU; runs of a labctl that did not record it are a class of their own."""
    hosts = json.loads(history("boots", "debian", "--json", db=db).stdout)["hosts"]
    check({"EPYC 9354"} <= {host["cpu"] for host in hosts}, f"the host's CPU is not recorded: {hosts}")
    shown = history("boots", "debian", db=db).stdout
    check("EPYC 9354" in shown, f"the host's CPU is not shown: {shown}")
    with sqlite3.connect(db) as connection:
        cpus = dict(connection.execute("SELECT name, cpu FROM run"))
    check(cpus["windows-passed"] == "" and "EPYC 9354" in cpus.values(), f"CPUs of runs: {cpus}")
    image = next(iter(json.loads((RECORDED / "passed/run.json").read_text())["images"]))["name"]
    shown = history("boots", image, db=db).stdout
    check("not recorded" in shown, f"an early record's host: {shown}")


def refused(folder):
    """Bundles that contradict themselves; the history stays as it was."""
    db = folder / "refused.db"
    good = made(folder / "good", "passed")
    history("add", good, db=db)
    def journal(bundle):
        return next((bundle / "cells").glob("*candidate*")) / "events.jsonl"
    def edit(path, old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
    attacks = {
        "an event was edited": lambda b: edit(journal(b), '"at":0', '"at":1'),
        "a record was cut out": lambda b: journal(b).write_text("\n".join(line for i, line in enumerate(journal(b).read_text().split("\n")) if i != 5)),
        "the verdict was edited": lambda b: edit(b / "verdict.json", '"verdict": "blocked"', '"verdict": "passed"'),
        "an outcome was edited": lambda b: edit(b / "verdict.json", '"outcome": "crashed"', '"outcome": "passed"'),
        "an artifact is another": lambda b: edit(b / "run.json", json.loads((b / "run.json").read_text())["artefacts"][0]["sha256"], "0" * 64),
        "an image is another": lambda b: edit(b / "run.json", json.loads((b / "run.json").read_text())["images"][0]["snapshot_sha256"], "0" * 64),
        "the journal is another run's": lambda b: shutil.copy(journal(good), journal(b)),
        "a journal is gone": lambda b: journal(b).unlink(),
        "no JSON": lambda b: (b / "verdict.json").write_text("{"),
        "a list": lambda b: (b / "verdict.json").write_text("[]"),
        "it has not ended": lambda b: (b / "verdict.json").unlink(),
    }
    for name, attack in attacks.items():
        bundle = made(folder / ("bad " + name), "blocked", 7)
        attack(bundle)
        before = contents(db)
        done = history("add", bundle, db=db)
        check(done.returncode == 2 and "hint" in done.stderr and contents(db) == before, f"{name}: {done.returncode} {done.stderr}")
    # In a folder what has not ended is passed over, and the rest is added.
    bundle = made(folder / "folder", "blocked", 8)
    (made(folder / "folder", "passed", 9) / "verdict.json").unlink()
    done = history("add", folder / "folder", db=db)
    check(done.returncode == 0 and "have not ended" in done.stderr and rows(db) == 2, f"{bundle}: {done.stderr}")


def killed(folder):
    """Whenever `add` is killed, the history is whole, and adding again gives what an undisturbed add gives."""
    bundles = folder / "many"
    for n in range(MANY):
        made(bundles, ("passed", "blocked")[n % 2], n)
    whole_one = folder / "undisturbed.db"
    started = time.monotonic()
    history("add", bundles, db=whole_one)
    lasted = time.monotonic() - started
    wanted = [sorted(map(repr, part)) for part in contents(whole_one)]
    chance, db, seen = random.Random(20), folder / "killed.db", set()
    for kill in range(KILLS):
        if kill % 10 == 0:
            for leftover in folder.glob("killed.db*"):
                leftover.unlink()
        before = rows(db) if db.exists() and db.stat().st_size else 0
        with subprocess.Popen([LABCTL, "history", "add", str(bundles), "--db", str(db)], stderr=subprocess.DEVNULL) as process:
            time.sleep(chance.random() * lasted * 0.7)
            process.send_signal(signal.SIGKILL)
        if not db.exists() or not db.stat().st_size:
            continue
        check(whole(db), f"kill {kill}: the history is broken")
        with sqlite3.connect(db) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        now = rows(db) if tables else 0
        check(now >= before, f"kill {kill}: {before} runs became {now}")
        seen.add(now)
    check(len(seen) > 2, f"the kills were all at one moment: {seen}")
    done = history("add", bundles, db=db)
    check(done.returncode == 0 and [sorted(map(repr, part)) for part in contents(db)] == wanted, f"after the kills: {done.stderr[-500:]}")


def fifty(folder):
    """Fifty bundles: a flake, a regression with a new disk, and failures of the lab are each found to be what they are."""
    db, bundles = folder / "fifty.db", folder / "fifty"
    cell, last_good, since = "debian.driver-candidate.content-candidate", 23, 25
    flakes, sick = {5, 12}, {3, 16, 24, 30, 41}
    for n in range(50):
        verdict = "no-verdict" if n in sick else "blocked" if n in flakes or n >= since else "passed"
        made(bundles, verdict, n, "old disk" if n < since else "new disk")
    done = history("add", bundles, db=db)
    check(done.returncode == 0 and rows(db) == 50 and whole(db), f"fifty: {done.returncode} {rows(db)} {done.stderr[-300:]}")
    check(not history("add", bundles, db=db).returncode and rows(db) == 50, "fifty again")
    first_bad = json.loads(history("first-bad", cell, "--json", db=db).stdout)["scenarios"][0]
    differs = {difference["what"] for difference in first_bad["differs"]}
    check(first_bad["since"]["began"] == f"2026-11-29T10:{since}:00Z" and first_bad["last_good"]["began"] == f"2026-11-29T10:{last_good}:00Z",
          f"the regression is dated {first_bad['since']} {first_bad['last_good']}")
    check("image" in differs and not differs & {"driver", "content", "story", "host"}, f"the regression differs in {differs}")
    unstable = json.loads(history("unstable", "--json", db=db).stdout)["cells"]
    results = since - len([n for n in sick if n < since])
    check([(one["cell"], one["failed"], one["n"]) for one in unstable] == [(cell, len(flakes), results)], f"unstable are {unstable}")
    hosts = json.loads(history("lab", "--json", db=db).stdout)["hosts"]
    check(sum(host["lab_failed"] for host in hosts) >= len(sick), f"the lab's failures are {hosts}")


def two_writers_and_readers(folder):
    bundles, db = folder / "many", folder / "shared.db"
    adds = [subprocess.Popen([LABCTL, "history", "add", str(bundles), "--db", str(db)], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while any(add.poll() is None for add in adds):
        if db.exists() and db.stat().st_size:
            done = history(db=db)
            early = "no history" in done.stderr or "another program" in done.stderr
            check(done.returncode == 0 or early, f"a reader beside writers: {done.stderr}")
        time.sleep(0.05)
    for add in adds:
        _, errors = add.communicate()
        check(add.returncode == 0, f"one of two writers: {errors[-500:]}")
    check(rows(db) == MANY and whole(db), f"two writers left {rows(db)} runs")


def no_space(folder):
    """Neither a full disk nor a folder that cannot be written to loses anything."""
    db = folder / "full.db"
    bundles = sorted((folder / "many").iterdir())
    history("add", bundles[0], db=db)
    before = contents(db)
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    done = history("add", *bundles[1:], db=db, preexec_fn=small_files)
    check(done.returncode == 3 and "as it was before" in done.stderr, f"a full disk: {done.returncode} {done.stderr}")
    check(whole(db) and set(before[0]) <= set(contents(db)[0]), "a full disk broke the history")
    check(history("add", *bundles[1:], db=db).returncode == 0 and rows(db) == len(bundles), "after there was space again")
    if os.getuid() != 0:
        folder.chmod(0o500)
        check(history(db=db).returncode == 0, "a question in a folder that is read-only")
        done = history("add", *bundles, db=folder / "new.db")
        check(done.returncode in (2, 3) and "--db" in done.stderr, f"a folder that is read-only: {done.stderr}")
        folder.chmod(0o700)


def migrated(folder):
    """A history of an earlier format is brought to today's and keeps its rows."""
    db = folder / "old.db"
    history("add", RECORDED / "blocked", db=db)
    with sqlite3.connect(db) as connection:
        connection.execute("DROP TABLE problem")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    done = history(db=db)
    check(done.returncode == 2 and "earlier format 1" in done.stderr, f"asked in format 1: {done.stderr}")
    done = history("add", RECORDED / "passed", db=db)
    check(done.returncode == 0 and rows(db) == 2 and history(db=db).returncode == 0, f"migrated: {done.stderr}")


def pruned(folder):
    """Old bundles go, and never one that an attestation stands on, one that failed and is to be kept, or another folder."""
    db, bundles = folder / "prune.db", folder / "prune"
    good, bad, signed, swapped = (made(bundles, verdict, 20 + n) for n, verdict in enumerate(("passed", "blocked", "passed", "passed")))
    history("add", bundles, db=db)
    (signed / "attestation.json").write_text("{}")
    shutil.rmtree(swapped)
    swapped.mkdir()
    (swapped / "precious").write_text("of somebody else")
    prune = ("prune", "--bundles", "--older-than", "1s")
    done = history(*prune, "--except", "failed,signed", "--dry-run", db=db)
    # With the space: one bundle's name may begin with another's whole name.
    check(done.returncode == 0 and f"would remove {good} " in done.stdout and good.exists() and f"{bad} " not in done.stdout
          and f"{signed} " not in done.stdout, f"dry: {done.stdout}{done.stderr}")
    done = history(*prune, "--except", "failed", db=db)
    check(done.returncode == 2 and not good.exists() and bad.exists() and signed.exists() and (swapped / "precious").exists()
          and "another bundle" in done.stderr, f"prune: {done.returncode} {done.stdout}{done.stderr}")
    check(rows(db) == 4, "the rows went with the bundles")
    check("removed" in history(db=db).stdout, "it is not said that a bundle is gone")
    done = history(*prune, "--valid", "20000h", db=db)
    check(signed.exists() and not bad.exists(), f"--valid: {done.stdout}")
    history(*prune, "--valid", "1s", "--except", "signed", db=db)
    check(signed.exists(), "--except signed")
    history(*prune, "--valid", "1s", db=db)
    check(not signed.exists(), "what no attestation stands on any more stays")
    for words in (("prune", "--older-than", "1s"), (*prune, "--except", "all"), ("prune", "--bundles", "--older-than", "long")):
        check(history(*words, db=db).returncode == 2, f"{words} is taken")


def noted(folder):
    """Notes are those of the file: all or, after a mistake, those of before."""
    db, file = folder / "notes.db", folder / "problems.yaml"
    history("add", RECORDED / "blocked", db=db)
    file.write_text("labctl: 1\nproblems:\n  - title: 'BUG: unable to handle page fault in sensor_match'\n    ticket: LAB-7\n    owner: kim\n    note: known\n")
    check(history("notes", file, db=db).returncode == 0, "notes")
    check("LAB-7" in history("crash", db=db).stdout and "LAB-7" in history("crash", "BUG*", db=db).stdout, "the ticket is not shown")
    for bad in ("labctl: 1\nproblems:\n  - ticket: LAB-8\n", "labctl: 1\nproblems:\n  - {title: a, state: perhaps}\n", "labctl: 2\nproblems: []\n",
                "labctl: 1\nproblems:\n  - {title: a}\n  - {title: a}\n", "- a\n", "labctl: 1\nproblems:\n  - {title: a, tickets: b}\n"):
        file.write_text(bad)
        done = history("notes", file, db=db)
        check(done.returncode == 2 and "problems.yaml:" in done.stderr and "LAB-7" in history("crash", db=db).stdout, f"{bad!r}: {done.returncode} {done.stderr}")


def main():
    # In memory where there is such a place: each commit waits for the disk, and nobody pulls the plug here.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        folder = pathlib.Path(name)
        db = what_is_added(folder)
        questions(db)
        host_classes(db)
        refused(folder)
        fifty(folder)
        killed(folder)
        two_writers_and_readers(folder)
        no_space(folder)
        migrated(folder)
        pruned(folder)
        noted(folder)
    print("\n".join(failures) or f"the history stays whole: {KILLS} kills, two writers, a full disk")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
