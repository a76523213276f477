#!/usr/bin/env python3
"""Secure Boot with a key of the vendor's: the sample whose module is signed by that key passes, the same sample without a signature is
not loaded, and the reason has the kernel's words. With --elsewhere the signed one runs on a machine without the key as well, where it
is not loaded.

  signed.py LABCTL IMAGE SAMPLE_DIR CERT OUT_DIR [--elsewhere]

SAMPLE_DIR is what scenarios/sensor/build.sh made with --sign KEY CERT for the image's kernel.
"""
import pathlib
import sys

import candidates

SCENARIO = """\
labctl: 1
name: signed
candidate: {driver: {candidate: @SAMPLE@/signed/sensor_7.16.deb, unsigned: @SAMPLE@/sensor_7.16.deb}}
matrix: {image: [@IMAGE@], driver: [@DRIVERS@]}
machine: {firmware: uefi-secure@KEYS@}
guest:
  linux:
    driver: {kind: deb, module: sensor}
story: [install driver, reboot]
settle: 10s
"""
WORDS = ("the kernel said: Loading of", "module loading is restricted")


def passes(cell):
    return [] if cell["outcome"] == "passed" else ["expected passed"]


def is_refused(cell):
    told = cell["outcome"] == "not-loaded" and any(words in cell["reason"] for words in WORDS)
    return [] if told else [f"expected not-loaded, with one of {WORDS}"]


def main():
    labctl, image, sample, certificate, out = (word for word in sys.argv[1:] if word != "--elsewhere")
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    text = SCENARIO.replace("@IMAGE@", image).replace("@SAMPLE@", str(pathlib.Path(sample).resolve()))

    def run(name, drivers, keys, checks):
        scenario = out / f"{name}.yaml"
        scenario.write_text(text.replace("@DRIVERS@", drivers).replace("@KEYS@", keys))
        return candidates.compare(labctl, scenario, out, checks, True)

    wrong = run("signed", "candidate, unsigned", f", keys: ['{pathlib.Path(certificate).resolve()}']",
                {"candidate": ("signed", passes), "unsigned": ("unsigned", is_refused)})
    if "--elsewhere" in sys.argv:
        wrong += run("elsewhere", "candidate", "", {"candidate": ("signed, without its key", is_refused)})
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
