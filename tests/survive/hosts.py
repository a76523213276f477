#!/usr/bin/env python3
"""One command for a run of many hosts, on machines made of plain code: this host as an executor, and Slurm as its programs answer.

usage: hosts.py FAKE_LABCTL
"""
import json
import os
import pathlib
import shutil
import signal
import sys
import time

from fake import Gate, verdict

PROGRAM = sys.argv[1]
failures = []

# Slurm as labctl sees it: a job is a folder with a process for each task.
SBATCH = """\
#!/usr/bin/python3
import os, pathlib, subprocess, sys
jobs = pathlib.Path(os.environ["FAKE_SLURM"])
words = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
job = str(len(list(jobs.iterdir())) + 7)
(jobs / job).mkdir()
(jobs / job / "words").write_text("\\n".join(sys.argv[1:]))
for task in words["array"].split(","):
    log = open(words["output"].replace("%a", task), "a")
    process = subprocess.Popen(["sh", "-c", words["wrap"]], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                               env={**os.environ, "SLURM_ARRAY_TASK_ID": task, "SLURM_CPUS_PER_TASK": "1"})
    (jobs / job / task).write_text(str(process.pid))
print(job)
"""
SQUEUE = """\
#!/usr/bin/python3
import os, pathlib, sys
job = pathlib.Path(os.environ["FAKE_SLURM"]) / next(word for word in sys.argv if word.startswith("--jobs=")).split("=")[1]
for task in job.iterdir():
    try:
        state = pathlib.Path("/proc", task.read_text(), "stat").read_text().rsplit(")", 1)[1].split()[0] if task.name != "words" else "Z"
    except OSError:
        continue
    if state != "Z":
        print("R None")
"""
SCANCEL = """\
#!/usr/bin/python3
import os, pathlib, signal, sys
for task in (pathlib.Path(os.environ["FAKE_SLURM"]) / sys.argv[1]).iterdir():
    if task.name != "words":
        try:
            os.kill(int(task.read_text()), signal.SIGTERM)
        except ProcessLookupError:
            pass
"""


def expect(condition, text):
    if not condition:
        failures.append(text)


def add_slurm(gate):
    folder, jobs = gate.root / "bin", gate.root / "jobs"
    folder.mkdir()
    jobs.mkdir()
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    gate.environment["FAKE_SLURM"] = str(jobs)
    gate.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    return jobs


def bundles(gate):
    return [path for path in gate.bundles() if path.suffix == ""]


def splits(gate):
    return [path for path in gate.bundles() if path.suffix == ".split"]


def run(gate, code, *words):
    done = gate.call("run", *words)
    expect(done.returncode == code, f"run {' '.join(map(str, words))}: {done.returncode} instead of {code}\n{done.stdout}{done.stderr}")
    return done


def whole(gate, where):
    """As one run says it, with everything in its place."""
    shutil.rmtree(gate.out, ignore_errors=True)
    run(gate, 0, gate.scenario, "--out", gate.out)
    alone = verdict(bundles(gate)[0])
    shutil.rmtree(gate.out)
    done = run(gate, 0, gate.scenario, "--out", gate.out, "--on", where)
    expect("PASSED" in done.stdout and "shard 1 of 0-1: whole" in done.stderr, f"on {where}:\n{done.stdout}{done.stderr}")
    expect(verdict(bundles(gate)[0]) == alone, f"on {where} the verdict is another one")
    expect(len(list((splits(gate)[0] / "logs").iterdir())) == 2, "the shards' logs")


def blocked_and_lost(gate):
    shutil.rmtree(gate.out)
    gate.environment["FAKE_SCRIPT"] = "box.driver=oops@1"
    done = run(gate, 1, gate.scenario, "--out", gate.out, "--on", "slurm")
    expect("BLOCKED" in done.stdout and "--resume" not in done.stderr, f"blocked:\n{done.stdout}{done.stderr}")
    shutil.rmtree(gate.out)
    gate.environment["FAKE_SCRIPT"] = "box.driver=mute"
    done = run(gate, 3, gate.scenario, "--out", gate.out, "--on", "slurm")
    split = splits(gate)[0]
    expect(f"--on slurm --resume '{split}'" in done.stderr, f"what the lab failed:\n{done.stderr}")
    gate.environment["FAKE_SCRIPT"] = ""
    done = run(gate, 0, "--on", "slurm:lab", "--resume", split)
    expect("shards 0 of 0-1" in done.stderr, f"more than what is missing is submitted:\n{done.stderr}")
    expect(not (split / "shards/1.attempt-2").exists(), "a whole shard is run again")
    words = [job / "words" for job in sorted(pathlib.Path(gate.environment["FAKE_SLURM"]).iterdir(), key=lambda p: int(p.name))]
    expect("--partition=lab" in words[-1].read_text().split("\n"), "the partition is not named")
    done = run(gate, 0, "--on", "slurm", "--resume", split / "split.json")
    expect("Slurm job" not in done.stderr, "a job without a shard is submitted")


def interrupted(gate):
    shutil.rmtree(gate.out)
    task = gate.start("run", gate.scenario, "--out", gate.out, "--on", "slurm")
    for _ in range(1200):
        if list(gate.out.glob("*.split/shards/*.partial/cells/*/events.jsonl")) if gate.out.exists() else False:
            break
        time.sleep(0.05)
    task.send_signal(signal.SIGINT)
    code = task.wait(timeout=300)
    expect(code == 130, f"interrupted: {code}")
    expect(not gate.guests(), f"cancelled shards left {gate.guests()}")
    split = splits(gate)[0]
    states = [s["state"] for s in json.loads(gate.call("shard", "status", split / "split.json", "--json").stdout)["shards"]]
    expect("interrupted" in states, f"after the interruption: {states}")
    run(gate, 0, "--on", "slurm", "--resume", split)


def refused(gate):
    expect("there is no executor" in run(gate, 2, gate.scenario, "--out", gate.out, "--on", "moon").stderr, "another word")
    gate.environment["PATH"] = os.environ["PATH"].replace(str(gate.root / "bin"), "")
    if not shutil.which("sbatch"):
        expect("'sbatch' is not installed" in run(gate, 2, gate.scenario, "--out", gate.out, "--on", "slurm").stderr, "without Slurm")


def main():
    gate = Gate(PROGRAM)
    whole(gate, "local")
    add_slurm(gate)
    whole(gate, "slurm")
    blocked_and_lost(gate)
    interrupted(gate)
    refused(gate)
    gate.close()
    print("\n".join(failures) or "one command runs what many hosts run")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
