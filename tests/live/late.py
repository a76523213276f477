#!/usr/bin/env python3
"""Drivers that load late: a second after the boot has ended, on use, and never. Each passes with the `driver.loads` that is true of it
and is not-loaded with one that is not.

  late.py LABCTL IMAGE ZOO_DIR OUT_DIR [NAME...]

A run of two cells for each NAME; the second run of the same story may use the first one's control. ZOO_DIR as for zoo.py.
"""
import json
import pathlib
import subprocess
import sys

import candidates

SCENARIO = """\
labctl: 1
name: late
candidate: {driver: {candidate: @MODULE@}}
matrix: {image: [@IMAGE@]}
guest:
  linux:
    driver: {kind: script, module: good, loads: @LOADS@, install: @INSTALL@}
@EXERCISE@
story: @STORY@
settle: 10s
"""
COPY = 'cp "$LABCTL_DRIVER" /opt/good.ko'
# `is-system-running --wait` returns when the boot has ended; a simple service has started when its program runs, so nothing waits for it.
SERVICE = r"[Service]\nExecStart=/bin/sh -c 'systemctl is-system-running --wait; sleep 1; exec insmod /opt/good.ko'\n[Install]\nWantedBy=multi-user.target\n"
AFTER_BOOT = COPY + f'; printf "{SERVICE}" >/etc/systemd/system/late.service && systemctl enable late.service'
ON_USE = "grep -q ^good /proc/modules || insmod /opt/good.ko"
BOOT = "[install driver, reboot]"
USES = "[install driver, exercise, reboot, exercise]"
ROWS = {
    # name: (loads, install, exercise, story, outcome)
    "at-boot": ("at-boot", AFTER_BOOT, "", BOOT, "passed"),
    "at-boot-as-at-install": ("at-install", AFTER_BOOT, "", BOOT, "not-loaded"),
    "on-use": ("on-use", COPY, ON_USE, USES, "passed"),
    "on-use-as-at-boot": ("at-boot", COPY, ON_USE, USES, "not-loaded"),
    "never": ("at-boot", COPY, "", BOOT, "not-loaded"),
}


def scenario(image, module, row):
    loads, install, exercise, story, _ = row
    values = {"MODULE": str(module), "IMAGE": image, "LOADS": loads, "INSTALL": json.dumps(install), "STORY": story,
              "EXERCISE": f"    exercise: [{json.dumps(exercise)}]" if exercise else ""}
    text = SCENARIO
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def main():
    labctl, image, zoo, out = sys.argv[1:5]
    images = json.loads(subprocess.run([labctl, "image", "list", "--json"], check=True, capture_output=True).stdout)
    release = next(each["facts"]["kernel_release"] for each in images["images"] if each["name"] == image)
    module = pathlib.Path(zoo).resolve() / release / "good.ko"
    wrong = 0
    for name in sys.argv[5:] or ROWS:
        place = pathlib.Path(out) / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "late.yaml").write_text(scenario(image, module, ROWS[name]))
        expected = ROWS[name][-1]
        wrong += candidates.compare(labctl, place / "late.yaml", place, {"candidate": (name, candidates.ended([expected]))}, expected != "passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
