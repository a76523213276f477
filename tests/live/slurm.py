#!/usr/bin/env python3
"""A run of many hosts on a real Slurm of one node: one verdict as of one host, and what is lost, killed, cancelled, foreign or damaged on the way.

usage: slurm.py LABCTL SCENARIO FOLDER     real guests, by hand; SCENARIO has two images, so two shards; FOLDER must be new
       slurm.py FAKE_LABCTL --fake         machines made of plain code

As root. 77: Slurm is not installed, or this is another user.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "survive"))
from fake import Gate, verdict  # noqa: E402

HERE = pathlib.Path(__file__).parent
PIPELINES = HERE.parents[1] / "docs/how-to/pipelines"
FAKE = "--fake" in sys.argv
LABCTL = os.path.abspath(sys.argv[1])
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="ls", dir="/tmp")) if FAKE else pathlib.Path(sys.argv[3]).absolute()
BEGAN = time.monotonic()
failures = []


def expect(condition, text):
    print(f"{time.monotonic() - BEGAN:4.0f} s  {'ok' if condition else 'FAILED'}: " + text.split("\n")[0], flush=True)
    if not condition:
        failures.append(text)


class Real:
    """The same handles as Gate has, of a real scenario."""

    def __init__(self):
        self.root, self.out, self.scenario = FOLDER, FOLDER / "out", os.path.abspath(sys.argv[2])
        self.environment = {**os.environ, "LABCTL_RUNTIME": "/tmp/labctl-slurm"}

    def call(self, *words):
        return subprocess.run([LABCTL, *map(str, words)], env=self.environment, capture_output=True, text=True)

    def guests(self):
        found = subprocess.run(["pgrep", "-f", f"qemu-system.*{self.environment['LABCTL_RUNTIME']}/"], capture_output=True, text=True)
        return found.stdout.split()

    def close(self):
        pass


def call(gate, code, *words):
    began = time.monotonic()
    done = gate.call(*words)
    expect(done.returncode == code, f"labctl {' '.join(map(str, words))[:150]}: {done.returncode}, {time.monotonic() - began:.0f} s\n"
           f"{done.stdout}{done.stderr}")
    return done


def slurm(gate, *words):
    return subprocess.run(list(map(str, words)), env=gate.environment, capture_output=True, text=True, check=True).stdout.strip()


def submit(gate, split):
    tasks = call(gate, 0, "shard", "missing", split / "split.json").stdout.strip()
    (split / "logs").mkdir(exist_ok=True)
    return slurm(gate, "sbatch", "--parsable", f"--array={tasks}", f"--output={split}/logs/%a.log", "--cpus-per-task=1", "--mem=0",
                 PIPELINES / "slurm.sh", split / "split.json")


def wait(gate, job):
    while slurm(gate, "squeue", "-h", "-j", job):
        time.sleep(0.3)


def until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)
    return condition()


def at_work(split, index):
    return list(split.glob(f"shards/{index}.attempt-*.partial/cells/*/events.jsonl"))


def merge(gate, split, code, says=""):
    done = call(gate, code, "merge", split / "split.json", "--out", FOLDER / f"merged{len(list(FOLDER.glob('merged*')))}")
    expect(says in done.stdout, f"merge says: {says}\n{done.stdout}{done.stderr}")


def prepare(gate):
    """Slurm with the epilog of the documents, on this host and this gate's places."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o755)  # munge wants its socket where everybody can go
    (FOLDER / "labctl").symlink_to(LABCTL)
    gate.environment["PATH"] = f"{FOLDER}:{os.environ['PATH']}"
    gate.environment.setdefault("LABCTL_CACHE", os.path.expanduser("~/.cache/labctl"))
    epilog = FOLDER / "epilog.sh"
    places = [name for name in gate.environment if name.startswith("LABCTL_")] + ["PATH"]
    epilog.write_text("#!/bin/sh\n" + "".join(f"export {name}='{gate.environment[name]}'\n" for name in places) +
                      f"exec sh {PIPELINES}/slurm-epilog.sh >>{FOLDER}/epilog.log 2>&1\n")
    epilog.chmod(0o755)
    gate.environment["SLURM_CONF"] = str(FOLDER / "slurm/slurm.conf")
    (FOLDER / "slurm").mkdir()
    subprocess.run([HERE / "one_node_slurm.sh", FOLDER / "slurm"], env={**gate.environment, "EPILOG": str(epilog)}, check=True)


def main():
    if os.geteuid() != 0:
        print("skipped: Slurm's daemons are started as root")
        return 77
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged", "sbatch"))):
        print("slurm-wlm and munge are not installed: tests/packages.sh test")
        return 1 if os.environ.get("LABCTL_NO_SKIPS") else 77
    gate = Gate(LABCTL) if FAKE else Real()
    try:
        prepare(gate)
        for chapter in (one_command, killed, deleted, refused, cancelled):
            chapter(gate)
        if FAKE:
            blocked(gate)
    finally:
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            if (FOLDER / "slurm" / name).exists():
                os.kill(int((FOLDER / "slurm" / name).read_text()), 15)
        gate.close()
    print("\n".join(failures) or "many hosts on Slurm have one verdict")
    if FAKE and not failures:
        shutil.rmtree(FOLDER, ignore_errors=True)
    return 1 if failures else 0


def one_command(gate):
    """As two shards, with the same outcome for each cell as on one host."""
    call(gate, 0, "run", gate.scenario, "--out", gate.root / "alone")
    alone = verdict(next((gate.root / "alone").iterdir()))
    call(gate, 0, "run", gate.scenario, "--on", "slurm:lab", "--out", gate.out)
    merged = next(path for path in gate.out.iterdir() if path.suffix == "")
    expect(verdict(merged) == alone, f"the merged verdict is that of one host\n{verdict(merged)}\n{alone}")


def killed(gate):
    """A task is killed, and what is missing is submitted again."""
    split = FOLDER / "split"
    call(gate, 0, "split", gate.scenario, "--out", split)
    job = submit(gate, split)
    expect(until(lambda: at_work(split, 0)), "shard 0 is at work")
    pid = int((next(split.glob("shards/0.attempt-1.partial")) / ".lock").read_text().split()[0])
    os.kill(pid, 9)
    wait(gate, job)
    expect(until(lambda: not gate.guests(), 60), f"a killed task leaves no guest behind the epilog: {gate.guests()}")
    expect(call(gate, 0, "shard", "missing", split / "split.json").stdout == "0\n", "the killed shard is missing")
    merge(gate, split, 3, "shard 0 of 0-1 was cut off")
    wait(gate, submit(gate, split))
    merge(gate, split, 0, "PASSED")


def deleted(gate):
    split, kept = FOLDER / "split", FOLDER / "kept"
    (split / "shards/1.attempt-1").rename(kept)
    merge(gate, split, 3, "shard 1 of 0-1 never began")
    kept.rename(split / "shards/1.attempt-1")


def refused(gate):
    """Another split's, another program's, and one whose journal was changed."""
    split, kept = FOLDER / "split", FOLDER / "kept"
    shard = split / "shards/1.attempt-1"
    shutil.copytree(shard, kept)
    journal = next(shard.glob("cells/*candidate*/events.jsonl"))
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:3] + lines[4:]))
    merge(gate, split, 3, "lab-failed")
    shutil.rmtree(shard)
    shutil.copytree(kept, shard)
    record = json.loads((shard / "run.json").read_text())
    (shard / "run.json").write_text(json.dumps({**record, "tool_sha256": "0" * 64}))
    merge(gate, split, 3, "the program is another one")
    shutil.rmtree(shard)
    kept.rename(shard)
    later = FOLDER / "later"
    call(gate, 0, "split", gate.scenario, "--out", later)
    shutil.copytree(split / "shards", later / "shards")
    merge(gate, later, 3, "it is a shard of another split")
    other = FOLDER / "other-labctl"
    shutil.copy(LABCTL, other)
    with other.open("ab") as file:
        file.write(b"\0")
    done = subprocess.run([other, "shard", "run", split / "split.json", "--index", "0", "--again"], env=gate.environment,
                          capture_output=True, text=True)
    expect(done.returncode == 3 and "its labctl is not the one that made the split" in done.stderr,
           f"another labctl runs no shard: {done.stderr}")
    merge(gate, split, 0, "PASSED")


def cancelled(gate):
    split = FOLDER / "split"
    shutil.rmtree(split / "shards/1.attempt-1")
    job = submit(gate, split)
    expect(until(lambda: at_work(split, 1) and gate.guests()), "shard 1 is at work")
    slurm(gate, "scancel", job)
    wait(gate, job)
    expect(until(lambda: not gate.guests(), 60), f"a cancelled job leaves no guest behind the epilog: {gate.guests()}")
    states = [shard["state"] for shard in json.loads(call(gate, 0, "shard", "status", split / "split.json", "--json").stdout)["shards"]]
    expect(states[1] in ("interrupted", "silent"), f"cancelled: {states}")
    wait(gate, submit(gate, split))
    merge(gate, split, 0, "PASSED")


def blocked(gate):
    """A clean attempt does not outlast one in which a guest failed."""
    split = FOLDER / "blocked"
    call(gate, 0, "split", gate.scenario, "--out", split)
    gate.environment["FAKE_SCRIPT"] = "box.driver=oops@1"
    wait(gate, submit(gate, split))
    merge(gate, split, 1, "BLOCKED")
    gate.environment["FAKE_SCRIPT"] = ""
    call(gate, 0, "shard", "run", split / "split.json", "--index", 0, "--again")
    merge(gate, split, 1, "BLOCKED")


if __name__ == "__main__":
    sys.exit(main())
