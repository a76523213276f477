#!/usr/bin/env python3
"""labctl fuzz finds planted defects from good content, makes them small, and writes a scenario that is blocked by them.

  fuzz.py LABCTL IMAGE SENSOR_DIR ZOO_DIR OUT_DIR [sensor|parser]...

Each within ten minutes, the preparation included: the sensor's twenty-first field, from content 290; and an alias of a name behind
the last one in the module `parser` of the zoo.
"""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

MOST = 600  # seconds
SENSOR = """\
labctl: 1
name: fuzz-sensor
candidate: {driver: {candidate: @DRIVER@}, content: {candidate: @CONTENT@}}
matrix: {image: [@IMAGE@]}
guest:
  linux:
    driver: {kind: deb, module: sensor}
    content: {path: /var/lib/sensor/content.bin, apply: systemctl reload sensor}
    exercise: [sensorctl replay]
    proof: [{run: sensorctl digest, prints: "${content.sha256}"}]
story: [install driver, apply content, exercise, reboot, exercise]
settle: 10s
"""
PARSER = """\
labctl: 1
name: fuzz-parser
candidate: {driver: {candidate: @DRIVER@}, content: {candidate: @CONTENT@}}
matrix: {image: [@IMAGE@]}
guest:
  linux:
    driver: {kind: kmod, module: parser}
    content: {path: /var/lib/zoo-parser.bin, apply: cat /var/lib/zoo-parser.bin >/proc/zoo_parser, unproved: a module for tests}
    exercise: [cat /proc/zoo_parser]
story: [install driver, apply content, exercise, reboot]
settle: 10s
"""
GOOD = b"ZPRS\x05\x00" + b"\x01\x05alpha" + b"\x01\x04beta" + b"\x01\x05gamma" + b"\x02\x01\x00" + b"\x02\x01\x02"


def release_of(labctl, image):
    images = json.loads(subprocess.run([labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    return next(each["facts"]["kernel_release"] for each in images["images"] if each["name"] == image)


def hunt(labctl, scenario, out, seed):
    """The first crash that was confirmed and has its scenario, and after how many seconds."""
    corpus = out / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    began = time.monotonic()
    process = subprocess.Popen([labctl, "fuzz", scenario, "--corpus", corpus, "--for", f"{MOST}s", "--seed", str(seed), "--json"],
                               stdout=subprocess.PIPE, text=True)
    found = []
    while process.poll() is None and not found:
        time.sleep(0.5)
        found = list(corpus.glob("crashes/*/scenario.yaml"))
    took = time.monotonic() - began
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=300)[0] or "{}")
    print(json.dumps({key: value for key, value in told.items() if key != "crashes"}), flush=True)
    return found[0].parent if found else None, took


def blocked(labctl, folder, out):
    """Whether the crash's own scenario is blocked, and by what."""
    runs = out / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    done = subprocess.run([labctl, "run", folder / "scenario.yaml", "--out", runs], stdout=subprocess.PIPE, text=True)
    verdicts = list(runs.glob("*/verdict.json"))
    said = json.loads(verdicts[0].read_text()) if verdicts else {"cells": []}
    return done.returncode, [finding["title"] for cell in said["cells"] for finding in cell["findings"]]


def main():
    labctl, image, sensor, zoo, out, *names = sys.argv[1:]
    sensor, zoo, out = (pathlib.Path(path).resolve() for path in (sensor, zoo, out))
    cases = {"sensor": (SENSOR, sensor / "sensor_7.16.deb", sensor / "content-290.bin", "sensor_equal"),
             "parser": (PARSER, zoo / release_of(labctl, image) / "parser.ko", out / "good.bin", "show_alias")}
    out.mkdir(parents=True, exist_ok=True)
    (out / "good.bin").write_bytes(GOOD)
    failed = 0
    for name in names or cases:
        text, driver, content, function = cases[name]
        folder = out / name
        folder.mkdir(exist_ok=True)
        scenario = folder / "scenario.yaml"
        scenario.write_text(text.replace("@DRIVER@", str(driver)).replace("@CONTENT@", str(content)).replace("@IMAGE@", image))
        crash, took = hunt(labctl, scenario, folder, 1)
        if crash is None:
            failed += 1
            print(f"FAIL {name}: nothing was found in {took:.0f} s", flush=True)
            continue
        found = json.loads((crash / "found.json").read_text())
        code, titles = blocked(labctl, crash, folder)
        good = took <= MOST and function in found["title"] and found["confirmed"] == 3 and code == 1 and found["title"] in titles
        failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}: {found['title']!r} after {took:.0f} s, by {found['how']!r}, seen again "
              f"{found['confirmed']} times, {found['minimised']}; its scenario ends with {code}: {titles}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
