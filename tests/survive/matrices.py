#!/usr/bin/env python3
"""The pipelines of docs/how-to/pipelines that run shards: their shell parts are run here, on machines made of plain code.

usage: matrices.py FAKE_LABCTL
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

from fake import SCENARIO, Gate

PROGRAM = sys.argv[1]
PIPELINES = pathlib.Path(__file__).parents[2] / "docs/how-to/pipelines"
failures = []


def expect(condition, text):
    if not condition:
        failures.append(text)


class Runner:
    """A working copy in which labctl is in the PATH; each job has only what the service hands on."""

    def __init__(self, gate):
        self.gate, self.folder = gate, gate.root / "copy"
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("gate", "build"):
            (self.folder / name).mkdir(parents=True)
        text = SCENARIO.replace("candidate: driver.ko", 'candidate: "${driver}"').replace("candidate: content.bin", 'candidate: "${content}"')
        (self.folder / "gate/release.yaml").write_text(text.replace('"${driver}"', '"../${driver}"').replace('"${content}"', '"../${content}"'))
        shutil.copy(gate.root / "driver.ko", self.folder / "build/driver.deb")
        shutil.copy(gate.root / "content.bin", self.folder / "build/content.bin")
        self.bin = gate.root / "with-labctl"
        self.bin.mkdir(exist_ok=True)
        if not (self.bin / "labctl").exists():
            (self.bin / "labctl").symlink_to(gate.program)
        gate.call("keygen", self.folder / "gate.pem", check=True)

    def sh(self, script, **environment):
        if shutil.which("shellcheck"):
            linted = subprocess.run(["shellcheck", "-s", "sh", "-"], input=script, capture_output=True, text=True)
            expect(linted.returncode == 0, linted.stdout)
        return subprocess.run(["sh", "-ec", script], cwd=self.folder, capture_output=True, text=True,
                              env={**self.gate.environment, "PATH": f"{self.bin}:{os.environ['PATH']}", **environment})


def github(runner):
    jobs = yaml.safe_load((PIPELINES / "github-shards.yml").read_text())["jobs"]
    run = {name: next(step["run"] for step in job["steps"] if "run" in step) for name, job in jobs.items()}
    expect(jobs["gate"]["if"] == "always()" and set(jobs["gate"]["needs"]) == {"split", "shard"}, "the merge is not always run")
    output = runner.folder / "output"
    split = runner.sh(run["split"], GITHUB_OUTPUT=str(output))
    expect(split.returncode == 0, f"github: split: {split}")
    shards = json.loads(re.match(r"shards=(.*)", output.read_text()).group(1))
    expect(shards == [0, 1], f"github: the matrix is {shards}")
    key = (runner.folder / "gate.pem").read_text()
    return (lambda index: runner.sh(run["shard"], SHARD=str(index))), (lambda: runner.sh(run["gate"], GATE_KEY=key))


def gitlab(runner):
    jobs = yaml.safe_load((PIPELINES / "gitlab-shards.yml").read_text())
    run = {name: "\n".join(jobs[name]["script"]) for name in ("split", "shard", "gate")}
    expect(jobs["gate"]["when"] == "always" and jobs["shard"]["artifacts"]["when"] == "always", "the merge is not always run")
    expect(f"--shards {jobs['shard']['parallel']}" in run["split"], "more or fewer jobs than shards")
    split = runner.sh(run["split"])
    expect(split.returncode == 0, f"gitlab: split: {split}")
    key = str(runner.folder / "gate.pem")
    return (lambda index: runner.sh(run["shard"], CI_NODE_INDEX=str(index + 1))), (lambda: runner.sh(run["gate"], GATE_KEY=key))


def slurm(runner):
    script = (PIPELINES / "slurm.sh").read_text()
    split = runner.sh("labctl split gate/release.yaml --set driver=build/driver.deb --set content=build/content.bin --out gate-split")
    expect(split.returncode == 0, f"slurm: split: {split}")

    def shard(index):
        return runner.sh("set -- gate-split/split.json\n" + script, SLURM_ARRAY_TASK_ID=str(index), SLURM_JOB_ID="7", SLURM_CPUS_PER_TASK="1")

    return shard, lambda: runner.sh("labctl merge gate-split/split.json --out gate-runs --sign gate.pem")


def play(gate, name, pipeline):
    shards = gate.root / "copy/gate-split/shards"
    runner = Runner(gate)
    gate.environment["FAKE_PAYLOAD"] = f"driver.ko={runner.folder}/build/driver.deb,content.bin={runner.folder}/build/content.bin"
    gate.environment["FAKE_SCRIPT"] = ""
    shard, merge = pipeline(runner)
    done = shard(0)
    expect(done.returncode == 0, f"{name}: shard 0: {done}")
    done = merge()  # one never ran
    expect(done.returncode == 3 and "shard 1 of 0-1 never began" in done.stdout, f"{name}: without a shard: {done}")
    done = shard(1)
    expect(done.returncode == 0, f"{name}: shard 1: {done}")
    shutil.rmtree(runner.folder / "gate-runs")
    done = merge()
    expect(done.returncode == 0 and len(list(runner.folder.glob("gate-runs/*/attestation.json"))) == 1, f"{name}: merge: {done}")
    shutil.rmtree(shards)
    gate.environment["FAKE_SCRIPT"] = "crate.driver=oops@1"
    codes = [shard(0).returncode, shard(1).returncode, merge().returncode]
    expect(codes == [0, 1, 1], f"{name}: a guest fails: {codes}")


def main():
    gate = Gate(PROGRAM)
    for name, pipeline in (("github", github), ("gitlab", gitlab), ("slurm", slurm)):
        play(gate, name, pipeline)
    gate.close()
    print("\n".join(failures) or "pipelines of shards do what they say")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
