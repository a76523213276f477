#!/usr/bin/env python3
"""Runs the sample's Windows driver, sensor.sys, in Wine: each release with each content.

  wine_test.py                      exit 77 (skipped) where wine64 or mingw-w64 is not installed

Wine proves the driver's own code, instruction by instruction: what it imports is there, it reads its content as it should, its
device works, it unloads, and the defect kills it in the place that it is meant to. It proves nothing of a kernel: drivers run
there in a program, so there is no IRQL, no pool of its own, no signature that is checked and no bug check. What runs are the
bytes that are delivered, but for the path of the content: Wine does not know \\SystemRoot as the name of a folder.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENSOR = ROOT / "scenarios/sensor"
WINE = [shutil.which("wine64"), "/usr/lib/wine/wine64"]  # Debian's lies in no PATH
SERVER = [shutil.which("wineserver"), "/usr/lib/wine/wineserver64"]
DRIVER = r"C:\windows\system32\drivers\sensor.sys"
NAMED = r"\SystemRoot\System32\drivers\sensor\content.bin"
THERE = "\\??\\C:\\" + "s" * (len(NAMED) - 11) + ".bin"  # as long, and it is where Wine can find it
RUNNING, STOPPED, NO_ANSWER, INVALID, NOT_RUNNING = 4, 1, 1053, 87, 1062
# What a release says of a content: its number and its status, or where it dies and at which address.
NOTHING, INVALID_FILE = "content 0, status 0xc0000034", "content 0, status 0xc0000098"
DIES = {"7.15": 0x1014, "7.16": 0x1000}
failures = []


def check(right, text):
    if not right:
        failures.append(text)


def first(candidates):
    return next((word for word in candidates if word and pathlib.Path(word).exists()), None)


class Wine:
    """A Windows of Wine's own in a folder, without a screen."""

    def __init__(self, folder):
        self.folder = folder
        self.wine, self.server = first(WINE), first(SERVER)
        self.disk = folder / "prefix/drive_c"
        self.run("wineboot.exe", "-i", limit=300)

    def run(self, *words, channels="", limit=120):
        """What a program says, and what Wine tells of it; files, because children of Wine keep pipes open."""
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment |= {"WINEPREFIX": str(self.folder / "prefix"), "WINEDEBUG": "-all" + channels, "LC_ALL": "C",
                        "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=d"}
        with open(self.folder / "said", "wb") as said, open(self.folder / "told", "wb") as told:
            process = subprocess.Popen([self.wine, *map(str, words)], stdin=subprocess.DEVNULL, stdout=said, stderr=told,
                                       env=environment)
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                check(False, f"{words[0]} did not end")
        subprocess.run([self.server, "-k"], env=environment, check=False)
        subprocess.run([self.server, "-w"], env=environment, check=False, timeout=60)
        return [(self.folder / name).read_text(errors="replace") for name in ("said", "told")]

    def drive(self, image, content):
        """The driver's life as a service: each step's error, and what the kernel's part of Wine told of it."""
        place = self.disk / THERE[len("\\??\\C:\\"):]
        place.unlink(missing_ok=True)
        if content is not None:
            place.write_bytes(content)
        (self.disk / "windows/system32/drivers/sensor.sys").write_bytes(image)
        said, told = self.run(self.folder / "drive.exe", DRIVER, channels=",warn+debugstr,+seh,+loaddll")
        return {key: int(value) for key, _, value in (line.partition("=") for line in said.split())}, told


def build(folder):
    subprocess.run([SENSOR / "windows/build.sh", "--out", folder / "sensor"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["x86_64-w64-mingw32-gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", folder / "drive.exe",
                    ROOT / "tests/sensor/drive.c", "-ladvapi32"], check=True)
    subprocess.run(["gcc", "-std=gnu11", "-O1", f"-I{SENSOR / 'driver'}", '-DSENSORCTL_VERSION="7.16"', "-o", folder / "sensorctl",
                    SENSOR / "userspace/sensorctl.c"], check=True)
    for number in ("289", "290", "291"):
        subprocess.run([folder / "sensorctl", "compile", SENSOR / f"content-{number}.txt", folder / f"{number}.bin"], check=True)


def image_of(folder, release):
    image = (folder / f"sensor/sensor_{release}.sys").read_bytes()
    named, there = NAMED.encode("utf-16-le"), THERE.encode("utf-16-le")
    assert image.count(named) == 1 and len(named) == len(there)
    return image.replace(named, there)


def check_life(wine, release, image, content, loaded):
    steps, told = wine.drive(image, content)
    what = f"{release}, {loaded}"
    check(f"sensor: version {release}, {loaded}" in told, f"{what}: it says something else: "
          f"{re.findall(r'sensor: version.*', told)}")
    check(steps == {"create": 0, "start": 0, "state-started": RUNNING, "open": 0, "write": 0, "write-unknown-kind": INVALID,
                    "write-without-end": INVALID, "stop": 0, "state-stopped": STOPPED, "delete": 0}, f"{what}: {steps}")
    check("Unloaded module" in told and "sensor.sys" in told.split("Unloaded module")[1].splitlines()[0], f"{what}: it stays loaded")
    check("c0000005" not in told, f"{what}: an access violation")


def check_death(wine, release, image, content):
    """The twenty-first input that nobody hands over: read in sensor.sys, where the crash's title must point."""
    steps, told = wine.drive(image, content)
    base = re.search(r"sensor\.sys\" at ([0-9A-F]+)", told)
    died = re.search(r"code=c0000005 flags=0 addr=([0-9A-F]+)", told)
    check(base and died, f"{release} with 291: it does not die")
    check(steps.get("start") == NO_ANSWER and steps.get("state-started") == STOPPED, f"{release} with 291: {steps}")
    if base and died:
        offset = int(died[1], 16) - int(base[1], 16)
        check(offset == DIES[release], f"{release} with 291: it dies at sensor.sys+0x{offset:x}")
    check("info[1]=0000000400000028" in told, f"{release} with 291: it reads another address")


def check_inf(wine, folder):
    """Wine's setup knows no driver store, and puts what belongs there into a folder of its own."""
    package = wine.disk / "package"
    zipfile.ZipFile(folder / "sensor/sensor_7.16.zip").extractall(package)
    wine.run("rundll32.exe", "setupapi.dll,InstallHinfSection", "DefaultInstall.NTamd64", "128", r"C:\package\sensor.inf")
    said, _ = wine.run("reg.exe", "query", r"HKLM\System\CurrentControlSet\Services\sensor")
    facts = dict(re.findall(r"^\s+(\w+)\s+REG_\w+\s+(.*?)\s*$", said, re.M))
    check((facts.get("Type"), facts.get("Start"), facts.get("ErrorControl")) == ("0x1", "0x1", "0x1"), f"the INF's service: {facts}")
    image = facts.get("ImagePath", "").replace("\\", "/").removeprefix("C:/")
    there = wine.disk / image
    check(image.endswith("sensor.sys") and there.is_file() and there.read_bytes() == (package / "sensor.sys").read_bytes(),
          f"the INF's service starts another file: {facts.get('ImagePath')}")


def main():
    if not first(WINE) or not first(SERVER) or not shutil.which("x86_64-w64-mingw32-gcc"):
        print("skipped: wine64 or gcc-mingw-w64-x86-64 is not installed")
        return 77
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        build(folder)
        wine = Wine(folder)
        contents = {number: (folder / f"{number}.bin").read_bytes() for number in ("289", "290", "291")}
        for release in ("7.15", "7.16"):
            image = image_of(folder, release)
            for number in ("289", "290"):
                check_life(wine, release, image, contents[number], f"content {number}, status 0x0")
            check_death(wine, release, image, contents["291"])
        check_life(wine, "7.16", image, None, NOTHING)
        check_life(wine, "7.16", image, contents["290"][:100], INVALID_FILE)
        check_life(wine, "7.16", image, bytes(4096), INVALID_FILE)
        check_inf(wine, folder)
    for failure in failures:
        print("WRONG", failure)
    print(f"sensor.sys in Wine: {len(failures)} mistakes")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
