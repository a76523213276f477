"""What the tests of reports share: bundles told by sample_bundle, and labctl called on them."""

import pathlib
import subprocess
import sys
import tempfile

LABCTL, SAMPLE = sys.argv[1:3] if len(sys.argv) > 2 else (None, None)
ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"example": 1, "passed": 0, "changed": 3, "nothing": 4, "sick-control": 3, "attack": 1}  # judge's exit code
failures = []


def check(good, what):
    if not good:
        failures.append(what)


def bundle(kind, folder):
    """A bundle of this kind, named as a run would name it."""
    path = pathlib.Path(folder) / f"20261122T003338Z-{kind}"
    subprocess.run([SAMPLE, kind, path], check=True)
    return path


def report(path, form, *more):
    done = subprocess.run([LABCTL, "report", path, "--format", form, *more], capture_output=True)
    check(done.returncode == 0, f"report {path.name} {form} exits with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


def judge(path):
    done = subprocess.run([LABCTL, "judge", path, "--json"], capture_output=True)
    return done.returncode, done.stdout


def folder():
    return tempfile.TemporaryDirectory(prefix="labctl-report-")


def finish():
    print("\n".join(failures) or "all as it should be")
    sys.exit(bool(failures))
