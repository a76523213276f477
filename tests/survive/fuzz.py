#!/usr/bin/env python3
"""labctl fuzz on machines made of plain code: what it finds, what it keeps when it is killed, and that it goes on.

usage: fuzz.py FAKE_LABCTL [STORY...]
"""
import json
import pathlib
import signal
import sys
import time

from fake import SCENARIO, Gate

PROGRAM = sys.argv[1]
GOOD = b"good content, of some words"
OOPS = "unable to handle page fault in sensor_match"
failures = []


def expect(name, good, what=""):
    if not good:
        failures.append(f"{name}: {what}")


class Hunt:
    def __init__(self, gate, name):
        self.gate, self.corpus = gate, gate.root / name

    def command(self, *options):
        return ["fuzz", self.gate.scenario, "--cell", "box*", "--corpus", self.corpus, *options]

    def call(self, *options, code, defect="", at_boot=""):
        self.gate.environment.update({"FAKE_DEFECT": defect, "FAKE_BOOT_DEFECT": at_boot})
        done = self.gate.call(*self.command("--json", *options))
        expect(self.corpus.name, done.returncode == code, f"exit {done.returncode}, wanted {code}: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout) if done.stdout.startswith("{") else {"crashes": [], "tried": -1, "text": done.stderr}
        if "errors" in told:
            told["text"] = "\n".join(error["what"] for error in told["errors"])
        return told

    def tried_so_far(self):
        return (self.corpus / "tried.jsonl").read_text().split("\n")[:-1]

    def tried(self):
        return [json.loads(line) for line in (self.corpus / "tried.jsonl").read_text().splitlines()]


def finds(gate):
    hunt = Hunt(gate, "finds")
    told = hunt.call("--count", "150", "--reboot-every", "0", code=10, defect="ff")
    expect("one crash of one title", len(told["crashes"]) == 1 and told["tried"] == 150, told)
    crash = told["crashes"][0]
    folder = pathlib.Path(crash["folder"])
    expect("named as the recogniser names it", crash["title"].startswith("BUG") or "fault" in crash["title"], crash)
    expect("seen again three times", crash["confirmed"] == 3, crash)
    minimal, found = (folder / "minimal.bin").read_bytes(), (folder / "content.bin").read_bytes()
    expect("it has the defect", b"\xff" in minimal and b"\xff" in found, (minimal, found))
    expect("made small", sum(a != b for a, b in zip(minimal, GOOD)) <= 2 and len(minimal) <= len(GOOD) + 2, (minimal, found))
    expect("its console is kept", "sensor_match" in (folder / "console.txt").read_text())
    done = gate.call("validate", folder / "scenario.yaml")
    expect("its scenario is one", done.returncode == 0, done.stderr)
    done = gate.call("plan", folder / "scenario.yaml", "--json")
    cell = json.loads(done.stdout)["cells"][0] if done.stdout else {}
    expect("its content is the candidate", cell.get("content_path", cell.get("content", {})) and "minimal.bin" in done.stdout, done.stdout)
    expect("no verdict is told", told["verdict"] is None, told)
    expect("nothing is tried twice", len({t["sha256"] for t in hunt.tried()}) == 150, "")
    expect("answers are kept once", len({t["answer"] for t in hunt.tried() if t.get("new")}) == len([t for t in hunt.tried() if t.get("new")]), "")
    expect("nothing is left", gate.left_behind() == [], gate.left_behind())
    text = gate.call(*hunt.command("--count", "1"))
    expect("people are told that it is no verdict", "not a verdict" in text.stdout and text.returncode == 10, text.stdout)


def goes_on(gate):
    """Two sessions try what one would have tried."""
    whole, parts = Hunt(gate, "whole"), Hunt(gate, "parts")
    whole.call("--count", "60", "--reboot-every", "0", code=0)
    for _ in range(3):
        told = parts.call("--count", "20", "--reboot-every", "0", code=0)
    expect("what was tried before is told", told["tried_before"] >= 40, told)
    expect("the same variants", [t["sha256"] for t in whole.tried()] == [t["sha256"] for t in parts.tried()], "")
    other = Hunt(gate, "other")
    other.call("--count", "60", "--reboot-every", "0", "--seed", "2", code=0)
    expect("another seed, other variants", other.tried() != whole.tried(), "")
    told = other.call("--count", "1", "--seed", "3", code=2)
    expect("another hunt's folder is refused", "of another hunt" in told.get("text", ""), told)


def at_boot(gate):
    hunt = Hunt(gate, "boot")
    told = hunt.call("--count", "60", "--reboot-every", "2", code=10, at_boot="00")
    expect("found by a restart", told["rebooted"] > 0 and told["crashes"] and told["crashes"][0]["at_boot"], told)


def killed(gate):
    hunt = Hunt(gate, "killed")
    gate.environment.update({"FAKE_DEFECT": "ff", "FAKE_BOOT_DEFECT": ""})
    for wanted in (5, 40):
        process = gate.start(*hunt.command("--for", "1h"))
        end = time.monotonic() + 60
        while time.monotonic() < end and (not (hunt.corpus / "tried.jsonl").exists() or len(hunt.tried_so_far()) < wanted):
            time.sleep(0.02)
        process.kill()
        process.wait()
    (hunt.corpus / "tried.jsonl").open("a").write('{"n": 9999, "sha')  # as a kill may leave it
    kept = len(hunt.tried_so_far())
    crashes = sorted(path.parent.name for path in hunt.corpus.glob("crashes/*/found.json"))
    expect("kills lose nothing", kept >= 40 and crashes, (kept, crashes))
    told = hunt.call("--count", "1", code=10, defect="ff")
    expect("it goes on", len(hunt.tried()) >= kept and told["crashes"] and told["crashes"][0]["confirmed"] == 3, told)


def interrupted(gate):
    hunt = Hunt(gate, "interrupted")
    gate.environment.update({"FAKE_DEFECT": "ff", "FAKE_BOOT_DEFECT": ""})
    process = gate.start(*hunt.command("--for", "1h"))
    end = time.monotonic() + 60
    while time.monotonic() < end and not list(hunt.corpus.glob("crashes/*/scenario.yaml")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    expect("Ctrl-C", process.wait(60) == 130, process.returncode)
    expect("what was found is kept", list(hunt.corpus.glob("crashes/*/minimal.bin")), "")
    expect("no guest is left", gate.guests() == [], gate.guests())


def refuses(gate):
    hunt = Hunt(gate, "refuses")
    told = hunt.call("--count", "1", code=2, defect=GOOD[:4].hex())
    expect("content that is not good", "not good" in told["text"] or "known content" in told["text"], told)
    (hunt.gate.root / "mine").mkdir()
    (hunt.gate.root / "mine/file").write_text("x")
    told = Hunt(gate, "mine").call("--count", "1", code=2)
    expect("somebody's folder", "holds no hunt" in told["text"], told)
    done = gate.call("fuzz", gate.scenario, "--cell", "nothing", "--corpus", gate.root / "none")
    expect("no such cell", done.returncode == 2 and "nothing" in done.stderr, done.stderr)


def by_command(gate):
    hunt = Hunt(gate, "mutate")
    told = hunt.call("--count", "40", "--reboot-every", "0", "--mutate",
                     "(cat \"$LABCTL_CONTENT\"; echo \"mutated $LABCTL_SEED\") >\"$LABCTL_VARIANT\"", code=10, defect=b"mutated".hex())
    expect("the author's command has its turns", told["crashes"] and told["crashes"][0]["how"] == "the author's mutate", told)
    told = Hunt(gate, "mutate-fails").call("--count", "400", "--mutate", "exit 3", code=2)
    expect("a command that fails is told", "--mutate failed" in told["text"], told)


def main():
    gate = Gate(PROGRAM, SCENARIO.replace("proof: ", "exercise: [sensorctl replay]\n    proof: ").replace("reboot]", "exercise, reboot, exercise]"))
    (gate.root / "content.bin").write_bytes(GOOD)
    stories = (finds, goes_on, at_boot, killed, interrupted, refuses, by_command)
    for story in [story for story in stories if story.__name__ in sys.argv[2:]] or stories:
        before = len(failures)
        try:
            story(gate)
        except (IndexError, KeyError, OSError) as problem:
            failures.append(f"{story.__name__}: {problem!r}")
        print(("ok   " if len(failures) == before else "FAIL ") + story.__name__, flush=True)
    gate.close()
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
