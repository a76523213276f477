#!/usr/bin/env python3
"""A run of many hosts on a real Slurm of one node: one verdict as of one host, and what is lost, killed or cancelled on the way. By hand, as root.

usage: slurm.py LABCTL SCENARIO FOLDER [--fake]

SCENARIO has two images, so two shards. FOLDER must be new. With --fake LABCTL is fake_labctl, and SCENARIO is not looked at.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "survive"))
from fake import Gate, verdict  # noqa: E402

HERE = pathlib.Path(__file__).parent
LABCTL, FOLDER = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[3]).absolute()
failures = []


def expect(condition, text):
    print(("ok: " if condition else "FAILED: ") + text.split("\n")[0], flush=True)
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
    script = HERE.parents[1] / "docs/how-to/pipelines/slurm.sh"
    (split / "logs").mkdir(exist_ok=True)
    return slurm(gate, "sbatch", "--parsable", f"--array={tasks}", f"--output={split}/logs/%a.log", "--cpus-per-task=1", "--mem=0",
                 script, split / "split.json")


def wait(gate, job):
    while slurm(gate, "squeue", "-h", "-j", job):
        time.sleep(1)


def until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)
    return condition()


def at_work(split, index):
    return list(split.glob(f"shards/{index}.attempt-*.partial/cells/*/events.jsonl"))


def main():
    gate = Gate(LABCTL) if "--fake" in sys.argv else Real()
    FOLDER.mkdir(parents=True)
    (FOLDER / "labctl").symlink_to(LABCTL)
    gate.environment["PATH"] = f"{FOLDER}:{os.environ['PATH']}"
    epilog = FOLDER / "epilog.sh"
    kept = {name: gate.environment[name] for name in ("LABCTL_CACHE", "LABCTL_RUNTIME", "LABCTL_IMAGES") if name in gate.environment}
    epilog.write_text("#!/bin/sh\n" + "".join(f"export {name}='{value}'\n" for name, value in kept.items()) +
                      f"export HOME='{os.environ.get('HOME', '/root')}'\n{LABCTL} gc >>{FOLDER}/epilog.log 2>&1\n")
    epilog.chmod(0o755)
    gate.environment["SLURM_CONF"] = str(FOLDER / "slurm/slurm.conf")
    (FOLDER / "slurm").mkdir()
    subprocess.run([HERE / "one_node_slurm.sh", FOLDER / "slurm"], env={**gate.environment, "EPILOG": str(epilog)}, check=True)
    try:
        story(gate)
    finally:
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            os.kill(int((FOLDER / "slurm" / name).read_text()), 15)
    gate.close()
    print("\n".join(failures) or "many hosts on Slurm have one verdict")
    return 1 if failures else 0


def story(gate):
    call(gate, 0, "run", gate.scenario, "--out", gate.root / "alone")
    alone = verdict(next((gate.root / "alone").iterdir()))
    call(gate, 0, "run", gate.scenario, "--on", "slurm:lab", "--out", gate.out)
    merged = next(path for path in gate.out.iterdir() if path.suffix == "")
    expect(verdict(merged) == alone, f"the merged verdict is that of one host\n{verdict(merged)}\n{alone}")

    split = FOLDER / "killed"
    call(gate, 0, "split", gate.scenario, "--out", split)
    job = submit(gate, split)
    expect(until(lambda: at_work(split, 0)), "shard 0 is at work")
    pid = int((next(split.glob("shards/0.attempt-1.partial")) / ".lock").read_text().split()[0])
    os.kill(pid, 9)
    wait(gate, job)
    expect(call(gate, 0, "shard", "missing", split / "split.json").stdout == "0\n", "the killed shard is missing")
    call(gate, 3, "merge", split / "split.json", "--out", FOLDER / "m1")
    wait(gate, submit(gate, split))
    call(gate, 0, "merge", split / "split.json", "--out", FOLDER / "m2")

    shutil.rmtree(split / "shards/1.attempt-1")
    lost = call(gate, 3, "merge", split / "split.json", "--out", FOLDER / "m3")
    expect("shard 1 of 0-1 never began" in lost.stdout, "a shard that was deleted is named")
    job = submit(gate, split)
    expect(until(lambda: at_work(split, 1) and gate.guests()), "shard 1 is at work")
    slurm(gate, "scancel", job)
    wait(gate, job)
    expect(until(lambda: not gate.guests(), 60), f"no guest is left behind the epilog: {gate.guests()}")
    states = [shard["state"] for shard in json.loads(call(gate, 0, "shard", "status", split / "split.json", "--json").stdout)["shards"]]
    expect(states[1] in ("interrupted", "silent"), f"cancelled: {states}")
    wait(gate, submit(gate, split))
    call(gate, 0, "merge", split / "split.json", "--out", FOLDER / "m4")


if __name__ == "__main__":
    sys.exit(main())
