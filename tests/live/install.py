#!/usr/bin/env python3
"""Installs and imports Windows images for real, but for the Windows: media and disks of the stand-in (guests/nt-standin).

  install.py LABCTL OUT_DIR [CASE...]

Each case is a build or an import by labctl's own command, and what it must say. After one that must work its image has a canary, and
a run with a healthy driver and one that stops the system. Everything is kept below OUT_DIR, a cache of its own with it, so that no
stand-in is ever found under a Windows' name. What passes here has been proved on test equipment that contains nothing of Windows.
Screens are read by tesseract. Exit 1 when a case ended otherwise than expected.
"""
import json
import os
import pathlib
import subprocess
import sys
import typing

import candidates

root = pathlib.Path(__file__).resolve().parents[2]
guest = root / "tests/guests/nt-standin"
SERVER = "windows-server-2022"
SCENARIO = """labctl: 1
name: installed
candidate:
  driver: {candidate: healthy.sys, stop: stop.sys}
matrix: {image: [IMAGE], driver: [candidate, stop], machine: [usual]}
machines: {usual: {memory: 4GiB, vcpus: 2, firmware: FIRMWARE}}
guest: {windows: {driver: {kind: service, service: sensor}}}
story: [install driver, reboot]
settle: 2s
"""
STOP = "NT-STANDIN DRIVER\ntrouble=crash\nboot=1\ncode=0xD1\nname=DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"


class Case(typing.NamedTuple):
    """Options of `medium`, what labctl must say, and whether its image must be fit. A medium or a disk may be another than the usual."""
    says: tuple
    medium: tuple = ()
    image: str = SERVER
    words: tuple = ()
    fit: bool = False
    disk: typing.Optional[str] = None  # imported
    stall: int = 0
    firmware: str = "bios"


INSTALLED = ("installing the virtio drivers and the agent", "changed: nothing sleeps", "package viostor.inf",
             "ready 10.0.20348.0", f"{SERVER}\t", "kernel 10.0.20348.0")
CASES = {
    "installed": Case(INSTALLED, fit=True),
    "with-key": Case(("the installation stalled", "its screen says 'Setup cannot go on The medium has no image", "SERVERSTANDARD"),
                     words=("--key-file", "KEY"), stall=30),
    "another-edition": Case(("the installation stalled: for 30 seconds its screen has not changed and it has said nothing; its agent "
                             "does not answer", "its last screen is"), ("--edition", "Another System"), stall=30),
    "stalls": Case(("the installation stalled: for 30 seconds", "Copying the", "its last screen is"),
                   ("--behaviour", "stall=40"), stall=30),
    "powers-off": Case(("Windows was not installed to its end: it switched itself off without a word",), ("--behaviour", "power-off=60")),
    "unfit": Case(("Windows was not installed to its end: its last words are 'failed something is still missing'",
                   "missing: the evaluation has not expired"), ("--behaviour", "missing=the evaluation has not expired")),
    "no-agent": Case(("missing: the guest agent runs", "failed something is still missing"), ("--without", "guest-agent")),
    "no-drivers": Case(("the installation stalled", "leads to the driver viostor"), ("--without", "viostor"), stall=30),
    "no-medium": Case(("the medium was not started in 30 seconds: is it one that installs this Windows?", "its screen says"),
                      ("--blank",), stall=30),
    "imported": Case(("live snapshot ready",), disk="standin", fit=True),
    "imported-secure": Case(("seen to boot",), disk="standin", image="windows-11", fit=True, firmware="uefi-secure"),
    "another-disk": Case(("this is no disk of a Windows: none of its 1 partitions is an NTFS",), disk="linux"),
    "empty-disk": Case(("this is no disk of a Windows: it has no partitions",), disk="empty"),
    "no-disk": Case(("this is no disk of a Windows: it has no partitions (it was read as raw bytes)",), disk="text"),
    "cut-short": Case(("the disk is damaged or not whole, says qemu-img check",), disk="short"),
}


class Bench:
    def __init__(self, labctl, out):
        self.labctl, self.out = str(pathlib.Path(labctl).resolve()), out.resolve()
        self.cache = self.out / "cache"
        self.environment = dict(os.environ, LABCTL_CACHE=str(self.cache), LABCTL_IMAGES=str(root / "images") + ":" + str(root / "tests/guests"))
        self.out.mkdir(parents=True, exist_ok=True)
        os.environ.update(self.environment)
        self.run("image", "build", "nt-standin", "--disks-only", check=True)
        facts = json.loads(self.run("image", "list", "--json", check=True).stdout)
        key = next(one["facts"]["key"] for one in facts["images"] if one["name"] == "nt-standin")
        self.standin = self.cache / "images/nt-standin" / key[:16] / "disk.qcow2"

    def run(self, *words, check=False, **more):
        return subprocess.run([self.labctl, *words], env=dict(self.environment, **more), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=check)

    def medium(self, options):
        name = "medium" + "".join("-" + word.strip("-").split("=")[0].replace(" ", "-") for word in options)
        folder = self.out / name
        folder.mkdir(exist_ok=True)
        if "--blank" in options:
            self.medium(())
            (folder / "setup.iso").write_bytes((self.out / "medium/virtio.iso").read_bytes())
            return folder / "setup.iso", self.out / "medium/virtio.iso"
        subprocess.run([guest / "medium", self.standin, folder, *options], check=True, stderr=subprocess.DEVNULL)
        return folder / "setup.iso", folder / "virtio.iso"

    def disk(self, kind):
        file = self.out / f"{kind}.img"
        if kind == "standin":
            return self.standin
        if kind == "text":
            file.write_text("This is no disk.\n" * 100)
        elif kind == "empty":
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", file, "1G"], check=True)
        elif kind == "linux":
            file.unlink(missing_ok=True)
            subprocess.run(["truncate", "-s", "64M", file], check=True)
            subprocess.run(["sfdisk", "-q", file], input="2048,,L\n", text=True, check=True)
        elif kind == "short":
            whole = self.standin.read_bytes()
            file.write_bytes(whole[:len(whole) // 2])
        return file

    def try_case(self, case):
        self.run("image", "rm", case.image)
        more = {"LABCTL_WINDOWS_STALL": str(case.stall)} if case.stall else {}
        if case.disk:
            ended = self.run("image", "import", case.image, str(self.disk(case.disk)), **more)
        else:
            setup, virtio = self.medium(case.medium)
            (self.out / "key").write_text("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\n")
            words = [str(self.out / "key") if word == "KEY" else word for word in case.words]
            ended = self.run("image", "build", case.image, "--iso", str(setup), "--virtio-iso", str(virtio), *words, **more)
        told = ended.stdout + ended.stderr
        wrong = [f"it does not say '{words}'" for words in case.says if words not in told]
        if (ended.returncode == 0) != case.fit:
            wrong.append(f"the exit code is {ended.returncode}")
        left = [path for path in (self.cache / "images" / case.image).glob("*") if path.is_dir()]
        if not case.fit and left:
            wrong.append(f"it leaves {left}")
        return wrong, told

    def use(self, case, out):
        """What can be done with an image that is there."""
        wrong = []
        canary = self.run("canary", case.image, "--out", str(out / "canary"))
        (out / "canary.log").write_text(canary.stdout + canary.stderr)
        if canary.returncode:
            wrong.append("its canary does not prove its channels")
        (out / "healthy.sys").write_text("NT-STANDIN DRIVER\n")
        (out / "stop.sys").write_text(STOP)
        (out / "installed.yaml").write_text(SCENARIO.replace("IMAGE", case.image).replace("FIRMWARE", case.firmware))
        checks = {"candidate": ("healthy", candidates.ended(["passed"])), "stop": ("stop", stopped)}
        if candidates.compare(self.labctl, out / "installed.yaml", out, checks, True):
            wrong.append("a run on it ends otherwise")
        return wrong


def stopped(cell):
    wrong = candidates.ended(["crashed"])(cell)
    titles = [finding["title"] for finding in cell["findings"]]
    if titles != ["DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xD1) in sensor.sys"]:
        wrong.append(f"found {titles}")
    return wrong


def main():
    bench = Bench(sys.argv[1], pathlib.Path(sys.argv[2]))
    chosen = sys.argv[3:] or list(CASES)
    failures = 0
    for name in chosen:
        out = bench.out / name
        out.mkdir(exist_ok=True)
        wrong, told = bench.try_case(CASES[name])
        (out / "said.log").write_text(told)
        if CASES[name].fit and not wrong:
            wrong = bench.use(CASES[name], out)
        failures += bool(wrong)
        last = told.strip().splitlines()[-1] if told.strip() else ""
        print("\t".join(["WRONG" if wrong else "ok", name, *wrong, "" if wrong else last[:300]]), flush=True)
    print(f"{len(chosen)} cases, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
